"""A native program on untrusted files: in a process of its own, under limits, its output discarded.

What dcm2niix prints holds names and paths, so its output is thrown away.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

WALL_S = 600.0
_LARGEST_FILE = 4 << 30  # bytes
_MEMORY = 12 << 30  # bytes of address space
_THREADS = ("OMP", "MKL", "OPENBLAS", "ITK_GLOBAL_DEFAULT_NUMBER_OF")


def run(command: Sequence[str], workspace: Path, *, wall_s: float = WALL_S) -> bool:
    """Run a program; return whether it ended well.

    Args:
        command: the program and its arguments.
        workspace: its working, home and temporary folder.
        wall_s: seconds after which it is killed with all that it started.
    """
    kept = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ
    }
    environment = {**kept, "HOME": str(workspace), "TMPDIR": str(workspace), "LC_ALL": "C"}
    environment |= {f"{name}_THREADS": "1" for name in _THREADS} | {
        f"{name}_NUM_THREADS": "1" for name in _THREADS[:3]
    }
    process = subprocess.Popen(
        list(command),
        cwd=workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_limit,  # noqa: PLW1509  (no thread of ours runs while a person's scan is read)
    )
    try:
        return process.wait(wall_s) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
