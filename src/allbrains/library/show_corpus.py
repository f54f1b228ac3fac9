"""A corpus to look at: as a folder, or served on loopback with ratings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from allbrains.library.listening import Progress, heard


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten:
    """A report as a folder.

    Attributes:
        index: the page to open.
        files: how many were written.
        rows: planned scans that it is about.
        samples: those of them that are done.
    """

    index: Path
    files: int
    rows: int
    samples: int


def report(
    out: Path, to: Path | None, *, against: Path | None, volumes: int, progress: Progress | None
) -> ReportWritten:
    """Write a page about a corpus; see ``Corpus.report``."""
    from allbrains.files import see_inside
    from allbrains.report import open_site
    from allbrains.report.report_folder import write_report

    if to is None:
        see_inside(out / "report", out)
    to = to or out / "report"
    site, count = open_site(out, against=against, volumes=volumes), 0
    with heard(progress, "writing the report") as hear:
        for count, _ in enumerate(write_report(site, to), 1):
            hear("files", count, 0)
    return ReportWritten(index=to / "index.html", files=count, rows=len(site.rows), samples=len(site.brains))


@contextmanager
def serve(out: Path, *, against: Path | None, port: int, host_names: Sequence[str]) -> Iterator[str]:
    """Serve a corpus while the block runs; see ``Corpus.serve``."""
    from allbrains.report import open_site
    from allbrains.report.review_server import serving

    with serving(open_site(out, against=against, served=True), port=port, host_names=host_names) as address:
        yield address
