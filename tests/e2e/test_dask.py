"""Dask distributes, the guard isolates: poison costs one scan, strangers are kept out, nobody is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
POISON = ["segfault", "abort", "exit", "hang-with-gil", "memory", "many-files", "flood", "close-stdout"]
CAUSES = ["signal", "signal", "exit", "timeout", "memory", "disk", "exception", "exception"]


@pytest.fixture
def start(tmp_path) -> Iterator:
    started: list[subprocess.Popen] = []

    def run(*paths: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.e2e.poison_driver", tmp_path, *paths]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(list(map(str, command)), cwd=HERE.parents[1], text=True, **pipes))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def family(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_poison_costs_one_scan_each_and_strangers_are_kept_out(start):
    run = start(*[word for poison in POISON for word in (poison, "good", "good")])
    ends = [run.stdout.readline().split() for _ in range(3 * len(POISON))]
    assert run.stdout.readline() == "end\n", run.communicate()[1]
    assert Counter(end for path, end in ends if path == "good") == {"done": 2 * len(POISON)}
    assert dict(end for end in ends if end[0] != "good") == dict(zip(POISON, CAUSES, strict=True))

    relatives = family(run)
    ports = listening([psutil.Process(run.pid), *relatives])
    assert ports, "no port is open: there is nothing to try"
    for address, port in ports:
        assert address in ("127.0.0.1", "::1")
        assert stranger_gets(port) == b""

    run.stdin.write("\n")
    run.stdin.flush()
    assert run.wait(60) == 0
    assert not psutil.wait_procs(relatives, timeout=30)[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nobody_outlives_the_driver(start, number):
    run = start("good", "hang-with-gil", "hang-with-gil")
    assert run.stdout.readline() == "good done\n"
    relatives = family(run)
    assert any("keeper" in " ".join(p.cmdline()) for p in relatives)
    run.send_signal(number)
    run.wait(60)
    assert not psutil.wait_procs(relatives, timeout=60)[1]


def test_a_killed_dask_worker_is_charged_to_nobody(start):
    run = start(*["good"] * 4, "hang", *["good"] * 10)
    ends = [run.stdout.readline().split()[1] for _ in range(4)]
    worker = next(p for p in family(run) if any("keeper" in " ".join(c.cmdline()) for c in p.children()))
    os.kill(worker.pid, signal.SIGKILL)
    ends += [run.stdout.readline().split()[1] for _ in range(11)]
    assert Counter(ends) == {"done": 14, "timeout": 1}  # the hang's own end, not its worker's


def listening(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    found = set()
    for process in processes:
        for one in process.net_connections("inet"):
            if one.status == psutil.CONN_LISTEN:
                found.add((one.laddr.ip, one.laddr.port))
    return found


def stranger_gets(port: int) -> bytes:
    """Return what a port tells someone without the run's certificate, in HTTP's words and others."""
    told = b"".join(
        answer(port, words, tls=tls)
        for words in (b"GET /info/main/workers.html HTTP/1.0\r\n\r\n", b"\x00" * 64)
        for tls in (False, True)
    )
    # an HTTP server without routes says that there is nothing; TLS answers plain words with an alert
    nothing = told.startswith(b"HTTP/1.1 404") and b"tls://" not in told
    return b"" if nothing or told.startswith(b"\x15\x03") else told


def answer(port: int, words: bytes, *, tls: bool) -> bytes:
    hello = ssl.create_default_context()
    hello.check_hostname, hello.verify_mode = False, ssl.CERT_NONE
    told, end = b"", time.monotonic() + 10
    with (
        contextlib.suppress(OSError),
        contextlib.ExitStack() as lines,
    ):  # refused, reset, an alert, or silence
        line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=3))
        if tls:
            line = lines.enter_context(hello.wrap_socket(line, do_handshake_on_connect=False))
            line.do_handshake()
        line.sendall(words)
        while time.monotonic() < end and (piece := line.recv(4096)):
            told += piece
    return told
