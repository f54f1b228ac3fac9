"""What a batch system answers to submitted jobs, and whether their workers start.

dask-jobqueue leaves a refused job as an exception that is never awaited, and asks again for ever. So what the
batch system said is noted here, and the engine looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allbrains.text import plain

# A refusal may be a busy moment of the controller; the next asking, 5 s later, tells. Together with the start
# of Dask itself an answer comes well within two minutes.
REFUSED_S = 20.0
# A job whose output has begun and of which no worker comes: a worker gives up after 60 s (``death_timeout``).
SILENT_S = 90.0
_LONGEST = 400  # letters of what is told


class Submissions:
    """The jobs of one run.

    Args:
        command: that jobs are submitted with, such as ``sbatch``.
        logs: the folder of the jobs' output.
        clock: seconds.
    """

    def __init__(self, command: str, logs: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.command, self._logs, self._clock = command, logs, clock
        self._before = {path.name for path in logs.glob("*")}
        self._said = ""
        self._since = self._refused_since = clock()

    def accepted(self) -> None:
        """Note that a job was taken."""
        self._said = ""

    def refused(self, said: str) -> None:
        """Note what the batch system said in place of a job's number."""
        if not self._said:
            self._refused_since = self._clock()
        self._said = plain(" ".join(said.split()))[:_LONGEST] or "nothing"

    def came(self) -> None:
        """Note that there are workers."""
        self._since, self._said = self._clock(), ""

    def trouble(self) -> str:
        """Return why no worker will start, as far as is known; empty: jobs may wait in their queue."""
        now = self._clock()
        if self._said and now - self._refused_since > REFUSED_S:
            return f"`{self.command}` takes no job, it says: {self._said}"
        if now - self._since > SILENT_S and (last := self._last_words()):
            return f"jobs start, and no worker comes of them; the last one's output ends: {last}"
        return ""

    def _last_words(self) -> str:
        """Return the end of what the newest job printed; empty where none has begun."""
        found = [path for path in self._logs.glob("*") if path.name not in self._before and path.is_file()]
        if not found:
            return ""
        newest = max(found, key=lambda path: path.stat().st_mtime)
        lines = [
            line for line in newest.read_bytes()[-4096:].decode(errors="replace").splitlines() if line.strip()
        ]
        return plain(lines[-1])[:_LONGEST] if lines else f"(nothing; see {newest})"


def noting(kind: type[Any], notes: Submissions) -> type[Any]:
    """Return a class of dask-jobqueue's jobs that also notes what the batch system says.

    Args:
        kind: the class of one batch system.
        notes: where it is noted.
    """

    class NotedJob(kind):  # type: ignore[misc]
        async def _submit_job(self, script_filename: str) -> Any:
            try:
                return await super()._submit_job(script_filename)
            except FileNotFoundError:
                notes.refused("there is no such command here")
                raise
            except (OSError, RuntimeError, ValueError) as error:
                notes.refused(str(error).partition("stderr:")[2] or str(error))
                raise

        def _job_id_from_submit_output(self, out: str) -> Any:
            try:
                number = super()._job_id_from_submit_output(out)
            except ValueError:
                notes.refused(out or "nothing, not even the job's number")
                raise
            notes.accepted()
            return number

    return NotedJob
