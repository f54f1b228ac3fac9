"""Downloads side by side: `allbrains.transfer.fetch`, openneuro-py and rclone, from one nginx.

    python bench/downloads.py --openneuro-python VENV/bin/python

Needs nginx with the echo module (it delays answers) and rclone on the PATH, and an interpreter that has
openneuro-py. Each client is a process of its own and fetches the same files, on bare loopback and with
a delay before each answer; the order changes from round to round. Prints medians: throughput, CPU of
the client, requests that nginx saw.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from allbrains.records import Algorithm, Digest
from allbrains.transfer import Client, Network, fetch

THREADS = 16
DATASET = "ds000001"
FAR, NEAR = "late", "bare"  # folders of the server: with and without the delay

NGINX = """
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log; sendfile on; tcp_nopush on; etag off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; default_type application/octet-stream;
  map $uri $md5 {{ {etags} }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 100000;
    location /bare/ {{ alias {folder}/files/; autoindex on; add_header ETag $md5; }}
    location /late/ {{ echo_sleep {delay}; echo_exec @late; }}
    location @late {{
      rewrite ^/late/(.*)$ /$1 break; root {folder}/files; autoindex on; add_header ETag $md5;
    }}
  }}
}}
"""

OPENNEURO_PY = """
import sys, openneuro, openneuro._download as d
api, dataset, target, at_once = sys.argv[1:]
d.gql_url = api
at_once = int(at_once)
openneuro.download(dataset=dataset, target_dir=target, max_concurrent_downloads=at_once, source="openneuro")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A file of the server: its name, size in bytes and MD5."""

    name: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one client's run cost: wall and CPU in seconds, requests that the server saw."""

    wall_s: float
    cpu_s: float
    requests: int


Command = Callable[[str, str, Path], list[str]]  # from place, API and target


def make(folder: Path, count: int, size: int) -> list[Served]:
    """Write files of random bytes and return them."""
    files = []
    for number in range(count):
        content = os.urandom(size)
        name = f"sub-{number:03d}_T1w.nii.gz"
        (folder / name).write_bytes(content)
        files.append(
            Served(name=name, size=size, md5=hashlib.md5(content, usedforsecurity=False).hexdigest())
        )
    return files


@contextmanager
def nginx(folder: Path, files: list[Served], delay_s: float, port: int) -> Iterator[str]:
    """Run nginx on the files and yield its address."""
    etags = " ".join(
        f"""{prefix}{file.name} '"{file.md5}"';"""
        for file in files
        for prefix in ("/", f"/{NEAR}/", f"/{FAR}/")
    )
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, etags=etags, delay=delay_s, port=port))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def api(place: str, files: list[Served]) -> Iterator[str]:
    """Run what openneuro-py asks for a listing, and yield its URL."""
    rows = [
        {
            "filename": file.name,
            "size": file.size,
            "id": f"MD5E-s{file.size}--{file.md5}.nii.gz",
            "urls": [f"{place}/{file.name}"],
        }
        for file in files
    ]
    body = json.dumps(
        {"data": {"dataset": {"latestSnapshot": {"id": f"{DATASET}:1.0.0", "files": rows}}}}
    ).encode()

    class Listing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/crn/graphql"
    finally:
        server.shutdown()


def commands(openneuro_python: Path, listing: Path) -> dict[str, Command]:
    """Return each client's command."""

    def openneuro(at_once: int) -> Command:
        return lambda place, url, out: [
            *(str(openneuro_python), "-c", OPENNEURO_PY, url, DATASET, str(out), str(at_once))
        ]

    def rclone(transfers: int) -> Command:
        return lambda place, url, out: [
            *("rclone", "copy", ":http:", str(out), "--http-url", f"{place}/", "--transfers", str(transfers)),
            *("--config", os.devnull),
        ]

    return {
        f"allbrains, {THREADS} threads, MD5": lambda place, url, out: [
            *(sys.executable, __file__, "--fetch", str(listing), "--place", place, "--out", str(out))
        ],
        "openneuro-py, default (5), MD5": openneuro(5),
        f"openneuro-py, {THREADS}, MD5": openneuro(THREADS),
        "rclone, default (4), no digest": rclone(4),
        f"rclone, {THREADS}, no digest": rclone(THREADS),
    }


def fetch_all(listing: Path, place: str, out: Path) -> None:
    """Fetch all files of a listing: our side, in a process of its own."""
    files = [Served(**row) for row in json.loads(listing.read_text())]
    client = Client(Network(origins=(f"{place}/",), connections=THREADS))

    def one(file: Served) -> None:
        digest = Digest(algorithm=Algorithm.MD5, hexdigest=file.md5)
        fetch([f"{place}/{file.name}"], size=file.size, digest=digest, target=out / file.name, client=client)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, files))


def run(command: list[str], log: Path) -> Run:
    """Run a client and return what it cost."""
    before = _lines(log)
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    talk = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{command[:3]} ended with {code}: {talk.decode(errors='replace')[-2000:]}")
    return Run(wall_s=wall_s, cpu_s=used.ru_utime + used.ru_stime, requests=_lines(log) - before)


def _lines(log: Path) -> int:
    time.sleep(0.2)  # nginx writes its log after the answer
    return log.read_bytes().count(b"\n") if log.exists() else 0


@click.command()
@click.option("--openneuro-python", type=click.Path(path_type=Path), default=Path("python3"))
@click.option("--files", default=200, show_default=True)
@click.option("--megabytes", default=10.0, show_default=True, help="Of each file.")
@click.option("--latency", default=50.0, show_default=True, help="Milliseconds before each answer.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--port", default=18080, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="For the files, served and fetched.")
@click.option("--fetch", "listing", type=click.Path(path_type=Path), hidden=True)
@click.option("--place", default="", hidden=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path(), hidden=True)
def main(
    *,
    openneuro_python: Path,
    files: int,
    megabytes: float,
    latency: float,
    rounds: int,
    port: int,
    folder: Path | None,
    listing: Path | None,
    place: str,
    out: Path,
) -> None:
    """Measure all clients; with --fetch be one."""
    if listing is not None:
        fetch_all(listing, place, out)
        return
    with tempfile.TemporaryDirectory(dir=folder) as made:
        home = Path(made)
        home.chmod(0o755)  # nginx's workers are another user
        (home / "files").mkdir()
        served = make(home / "files", files, round(megabytes * 1e6))
        found = _rounds(home, served, openneuro_python, delay_s=latency / 1000, rounds=rounds, port=port)
    click.echo(f"{files} files of {megabytes:g} MB; medians of {rounds} rounds\n")
    click.echo("| client | latency | MB/s | wall | CPU s/GB | requests a file |\n|---|---|---|---|---|---|")
    gigabytes = files * megabytes / 1000
    for (name, where), runs in found.items():
        wall_s = statistics.median(one.wall_s for one in runs)
        cpu_s = statistics.median(one.cpu_s for one in runs)
        asked = statistics.median(one.requests for one in runs) / files
        delay = f"{latency:g} ms" if where == FAR else "none"
        click.echo(
            f"| {name} | {delay} | {1000 * gigabytes / wall_s:.0f} | {wall_s:.1f} s | "
            f"{cpu_s / gigabytes:.2f} | {asked:.2f} |"
        )


def _rounds(
    home: Path, files: list[Served], openneuro_python: Path, *, delay_s: float, rounds: int, port: int
) -> dict[tuple[str, str], list[Run]]:
    listing = home / "listing.json"
    listing.write_text(json.dumps([{"name": f.name, "size": f.size, "md5": f.md5} for f in files]))
    clients = commands(openneuro_python, listing)
    found: dict[tuple[str, str], list[Run]] = {(name, where): [] for where in (NEAR, FAR) for name in clients}
    with nginx(home, files, delay_s, port) as address:
        for number in range(rounds):
            names = list(clients)
            names = names[number % len(names) :] + names[: number % len(names)]
            for where in (NEAR, FAR):
                place = f"{address}/{where}"
                with api(place, files) as url:
                    for name in names:
                        out = home / "out"
                        out.mkdir()
                        cost = run(clients[name](place, url, out), home / "access.log")
                        _check(out, files)
                        shutil.rmtree(out)
                        found[name, where].append(cost)
    return found


def _check(out: Path, files: list[Served]) -> None:
    sizes = {file.name: (out / file.name).stat().st_size for file in files}
    if sizes != {file.name: file.size for file in files}:
        raise SystemExit("a client has not fetched all files")


if __name__ == "__main__":
    main()
