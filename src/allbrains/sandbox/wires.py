"""The open connections, so that a fault can cut one as a broken network would."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: closing sends RST and drops what is unsent


class Wires:
    """The connections of one server, by the client's address as an ASGI scope has it."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    @property
    def protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's protocol, with each connection entered here while it is open."""
        wires = self._open

        class Entered(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                self._peer = transport.get_extra_info("peername")[:2]
                wires[self._peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                wires.pop(self._peer, None)
                super().connection_lost(exc)

        return Entered

    async def end(self, scope: Scope) -> None:
        """Close a request's connection in good order, after what has been sent."""
        transport = self._open.get(tuple(scope["client"]))
        if transport is not None:
            transport.close()
        await self._gone(scope)

    async def reset(self, scope: Scope) -> None:
        """Break a request's connection: the client reads ECONNRESET."""
        transport = self._open.get(tuple(scope["client"]))
        if transport is not None:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        await self._gone(scope)

    def is_open(self, scope: Scope) -> bool:
        """Return whether a request's client is still there."""
        return tuple(scope["client"]) in self._open

    async def _gone(self, scope: Scope) -> None:
        while self.is_open(scope):  # the event loop closes it within a turn or two
            await asyncio.sleep(0.001)
