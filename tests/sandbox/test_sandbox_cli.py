"""``allbrains sandbox`` as a process."""

import json
import signal
import subprocess
import sys
import time

import pytest
from sandbox_requests import fetch

from allbrains.sandbox.faults import table

COMMAND = [sys.executable, "-m", "allbrains", "sandbox"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_prints_its_urls_and_serves_until_told_to_stop(steady_root, number, code):
    with subprocess.Popen([*COMMAND, str(steady_root)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())
            assert urls.keys() == {"api", "bucket"}
            assert all(url.startswith("http://127.0.0.1:") for url in urls.values())
            assert fetch(f"{urls['bucket']}/ds000011/CHANGES").status == 200
            process.send_signal(number)
            assert process.stdout.read() == ""
            assert process.wait(timeout=30) == code
        finally:
            process.kill()


def served(*arguments):
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_faults_latency_and_seed_reach_the_server_and_are_reported(steady_root):
    arguments = ["--fault", "html-504:1:1", "--fault", "wrong-bytes", "--latency", "40", "--seed", "7"]
    with served(str(steady_root), *arguments) as process:
        try:
            urls = json.loads(process.stdout.readline())
            statuses = [fetch(urls["api"], "POST", b"[]").status for _ in range(2)]
            began = time.monotonic()
            for _ in range(3):
                assert (
                    fetch(f"{urls['bucket']}/ds000011/CHANGES").body
                    != (steady_root / "ds000011/CHANGES").read_bytes()
                )
            assert time.monotonic() - began >= 0.12  # not a limit of speed: waiting is what was ordered
            process.send_signal(signal.SIGTERM)
            _, talk = process.communicate(timeout=30)
        finally:
            process.kill()
    assert statuses == [504, 400]
    assert talk == "html-504: struck 1 times, 1 different\nwrong-bytes: struck 3 times, 1 different\n"


def test_a_synthetic_openneuro_needs_no_folder():
    with served("--simulate", "3", "--seed", "5") as process:
        try:
            urls = json.loads(process.stdout.readline())
            body = b'{"query": "{datasets {pageInfo {count}}}"}'
            answer = fetch(urls["api"], "POST", body, {"Content-Type": "application/json"})
            assert answer.json["data"]["datasets"]["pageInfo"]["count"] == 3
        finally:
            process.kill()


def test_the_faults_are_listed_without_a_folder():
    done = subprocess.run([*COMMAND, "--faults"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == table()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{root}", "--fault", "html-5o4"], "did you mean 'html-504'?"),
        (["{root}", "--simulate", "3"], "give a FOLDER to serve, or --simulate N"),
        ([], "give a FOLDER to serve, or --simulate N"),
        (["--simulate", "0"], "--simulate"),
        (["{root}/none"], "not a folder"),
        (["{root}/no dataset"], "no BIDS dataset in"),
        (["{root}", "--port", "99999"], "can't listen on 127.0.0.1 port 99999"),
        (["{root}", "--host", "203.0.113.1"], "can't listen on 203.0.113.1"),
        (["{root}", "--hots", "x"], "--host"),
    ],
)
def test_what_cannot_be_served_is_exit_2_and_a_sentence(steady_root, arguments, sentence):
    given = [text.format(root=steady_root) for text in arguments]
    done = subprocess.run([*COMMAND, *given], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
