"""A Dask scheduler that runs already, at an address with TLS: scans run there, and nothing of ours stays."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from distributed.security import Security

HERE = Path(__file__).parent


@pytest.fixture
def certificates(tmp_path) -> dict[str, Path]:
    """Files of a certificate authority of one run."""
    made = Security.temporary()
    files = {}
    for name, text in {
        "ca": made.tls_ca_file,
        "cert": made.tls_client_cert,
        "key": made.tls_client_key,
    }.items():
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_text(text)
    return files


@contextmanager
def running(module: str, *arguments: object) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_scans_run_there_and_nothing_of_ours_stays(certificates, tmp_path):
    file, out = tmp_path / "scheduler.json", tmp_path / "out"
    tls = [
        f"--tls-{name}={certificates[kind]}"
        for name, kind in [("ca-file", "ca"), ("cert",) * 2, ("key",) * 2]
    ]
    with ExitStack() as stack:
        where = [
            "--protocol",
            "tls",
            "--host",
            "127.0.0.1",
            "--port",
            0,
            "--dashboard-address",
            "127.0.0.1:0",
        ]
        stack.enter_context(running("dask_scheduler", *where, "--scheduler-file", file, *tls))
        there = ["--nthreads", 2, "--no-nanny", "--no-dashboard", "--local-directory", tmp_path]
        worker = stack.enter_context(running("dask_worker", "--scheduler-file", file, *there, *tls))
        end = time.monotonic() + 120
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        assert address.startswith("tls://")
        site = tmp_path / "site.toml"
        lines = {"kind": "address", "address": address, **certificates}
        site.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
        command = [sys.executable, HERE / "sleepy_driver.py", site, out, 6, 0.2, 5]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert sorted(done.stdout.split()) == [f"scan-{number}" for number in range(6)]
        assert worker.poll() is None
        children = psutil.Process(worker.pid).children(recursive=True)
        assert not [child for child in children if "keeper" in " ".join(child.cmdline())]
