"""The environment of a process that reads untrusted files: the variables named here, and no others.

Secrets have all kinds of names (``GITHUB_PAT``, ``DATABASE_URL``), so none can be told by its name; what a
worker needs can. An own step that needs another variable gets it by the prefix ``ALLBRAINS_``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|PWD"
    r"|PYTHON(?:PATH|HOME|HASHSEED|UTF8|WARNINGS|IOENCODING|DONTWRITEBYTECODE|FAULTHANDLER|MALLOC)"
    r"|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_\w+|MALLOC_\w+|GLIBC_TUNABLES"
    r"|CUDA_\w+|NVIDIA_\w+|XDG_CACHE_HOME|SSL_CERT_FILE|SSL_CERT_DIR|COVERAGE_PROCESS_START"
    r"|KERAS_(?:HOME|BACKEND)|TORCH_HOME|TF_CPP_\w+|ALLBRAINS_\w+"
)
_PROXY = re.compile(r"(?:https?|all|no)_proxy", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/]*@|\A[^/]*@")
_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")


def worker_environment(given: Mapping[str, str], scratch: str) -> dict[str, str]:
    """Return a worker's environment: one thread, its own temporary folder, no secrets.

    Proxies go on without user and password: one that asks for them can't be used by workers.

    Args:
        given: of this process.
        scratch: the worker's temporary folder.
    """
    kept = {name: value for name, value in given.items() if _KEPT.fullmatch(name)}
    kept |= {name: _CREDENTIALS.sub("", value) for name, value in given.items() if _PROXY.fullmatch(name)}
    if "PYTHONPATH" in kept:  # what is relative there is relative to our folder, not to the child's
        kept["PYTHONPATH"] = python_path(kept["PYTHONPATH"])
    threads = {f"{name}_NUM_THREADS": "1" for name in _THREADS}
    return {**kept, **threads, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "TMPDIR": scratch}


def python_path(paths: str) -> str:
    """Return a search path that means the same in every folder."""
    return os.pathsep.join(os.path.abspath(path) for path in paths.split(os.pathsep))
