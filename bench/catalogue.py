"""What a crawl of a whole OpenNeuro costs: `python bench/catalogue.py [--datasets 2000] [--latency 50]`.

A synthetic OpenNeuro runs in one process, `allbrains catalog` in another, twice. Before and after them, a
client that asks the same questions over four connections and throws the answers away: the floor that
latency, bytes and this server set; the mean of both counts, because neighbours come and go. Prints a
table, and what the issue of this benchmark demands of each figure.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import urlsplit

import click

from allbrains import sandbox
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.openneuro import queries

AT_ONCE = 4  # API requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of a process: wall and CPU in seconds, peak memory in MB; and requests by route."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    requests: dict[str, int]


class Server:
    """The synthetic OpenNeuro in a process of its own."""

    def __init__(self, datasets: int, *, seed: int, latency_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, datasets, seed, latency_s), daemon=True)
        self._process.start()
        self.api, self.bucket = self._pipe.recv()

    def requests(self) -> dict[str, int]:
        """Return the requests by route since the last time."""
        self._pipe.send("count")
        counts: dict[str, int] = self._pipe.recv()
        return counts

    def cpu_s(self) -> float:
        """Return the CPU time that it has used, seconds."""
        self._pipe.send("cpu")
        seconds: float = self._pipe.recv()
        return seconds

    def close(self) -> None:
        """Stop it."""
        self._pipe.send("stop")
        self._process.join()


def _serve(pipe: Connection, datasets: int, seed: int, latency_s: float) -> None:
    archive = SimulatedArchive(datasets, seed=seed)
    archive.prepare()
    with sandbox.serve(archive, latency_s=latency_s) as server:
        pipe.send((server.api, server.bucket))
        while (asked := pipe.recv()) != "stop":
            if asked == "cpu":
                pipe.send(time.process_time())
                continue
            routes = ("graphql", "s3.get", "s3.list", "objects")
            pipe.send({route: server.requests.total(route) for route in routes})
            server.requests.clear()


def crawl(server: Server, out: Path) -> Cost:
    """Run `allbrains catalog` and return what it cost."""
    server.requests()
    command = [sys.executable, "-m", "allbrains", "catalog", "--api", server.api, "--bucket", server.bucket]
    with open(os.devnull, "w") as nowhere:
        began = time.monotonic()
        process = subprocess.Popen([*command, "--out", str(out)], stdout=nowhere)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"allbrains catalog ended with {code}")
    return Cost(
        wall_s=wall_s,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1000,
        requests=server.requests(),
    )


def floor(server: Server) -> tuple[float, int]:
    """Ask what a crawl asks of the API, discard the answers, and return seconds and bytes."""
    kept = local()
    place = urlsplit(server.api)

    def post(body: dict[str, Any]) -> bytes:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(place.netloc, timeout=120)
        headers = {"Content-Type": "application/json"}
        kept.connection.request("POST", place.path, json.dumps(body).encode(), headers)
        answer: bytes = kept.connection.getresponse().read()
        return answer

    def files(node: dict[str, Any]) -> int:
        variables = {"dataset": node["id"], "tag": node["latestSnapshot"]["tag"]}
        return len(post({"query": queries.render(queries.FILES), "variables": variables}))

    began = time.monotonic()
    nodes: list[dict[str, Any]] = []
    after, more, size = None, True, 0
    while more:
        answer = post({"query": queries.render(queries.LIST), "variables": {"first": 100, "after": after}})
        page = json.loads(answer)["data"]["datasets"]
        nodes += [edge["node"] for edge in page["edges"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        size += len(answer)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        size += sum(pool.map(files, nodes))
    return time.monotonic() - began, size


@click.command()
@click.option("--datasets", default=2000, show_default=True)
@click.option("--latency", default=50.0, show_default=True, help="Milliseconds.")
@click.option("--seed", default=0, show_default=True)
def main(datasets: int, latency: float, seed: int) -> None:
    """Measure a crawl, the floor, and the second crawl."""
    server = Server(datasets, seed=seed, latency_s=latency / 1000)
    with tempfile.TemporaryDirectory() as folder:
        before, size = floor(server)
        ready = server.cpu_s()
        first = crawl(server, Path(folder))
        click.echo(f"first run: {first}", err=True)  # at once: the rest may take minutes
        served = server.cpu_s() - ready
        second = crawl(server, Path(folder))
        click.echo(f"second run: {second}", err=True)
        after, _ = floor(server)
    floor_s = (before + after) / 2
    server.close()
    asked, least = first.requests["graphql"], datasets / 100 + datasets
    lines = [
        ("API requests", f"{asked}", f"≤ {1.05 * least:.0f}"),
        ("bucket and objects requests", f"{sum(first.requests.values()) - asked}", ""),
        ("peak memory", f"{first.peak_mb:.0f} MB", "≤ 600 MB"),
        ("CPU", f"{first.cpu_s:.1f} s", "≤ 120 s"),
        ("wall", f"{first.wall_s:.1f} s ({first.wall_s / floor_s:.2f} ×)", f"≤ {1.3 * floor_s:.1f} s"),
        (
            "wall of the floor, before and after",
            f"{before:.1f} s, {after:.1f} s",
            f"latency alone: {least * latency / 1000 / AT_ONCE:.1f} s",
        ),
        ("bytes of the API's answers", f"{size / 1e6:.0f} MB", ""),
        ("CPU of the server", f"{served:.1f} s", ""),
        ("second run: requests", f"{sum(second.requests.values())}", "≤ 30"),
        ("second run: wall", f"{second.wall_s:.1f} s", "≤ 15 s"),
        ("second run: CPU, peak memory", f"{second.cpu_s:.1f} s, {second.peak_mb:.0f} MB", ""),
    ]
    click.echo(f"{datasets} datasets, {latency:g} ms latency\n\n| | measured | wanted |\n|---|---|---|")
    for name, measured, wanted in lines:
        click.echo(f"| {name} | {measured} | {wanted} |")


if __name__ == "__main__":
    main()
