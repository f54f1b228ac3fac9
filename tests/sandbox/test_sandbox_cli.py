"""``allbrains sandbox`` as a process."""

import json
import signal
import subprocess
import sys

import pytest
from sandbox_requests import fetch

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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
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
