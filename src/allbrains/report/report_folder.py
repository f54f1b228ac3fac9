"""A report as a folder that needs no server and no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from allbrains.errors import ConfigurationError
from allbrains.files import make_folder, see_inside, translated
from allbrains.report.report_site import ReportSite
from allbrains.store.bounded_table import row_groups
from allbrains.store.layout import Layout

MARK = "data/about.js"  # a folder with it was written by this module, and may be written over


def write_report(site: ReportSite, to: Path) -> Iterator[str]:
    """Write a report; yield the name of each file when it is there.

    What an earlier report left in ``data``, ``montages``, ``mosaics`` and ``other`` is removed first.

    Args:
        site: what to write.
        to: a folder: empty, or one that holds a report.

    Raises:
        ConfigurationError: the folder holds something else, or can't be written to.
        CorpusError: a shard is damaged, or a link in the folder leads out of it.
        NoSpace: the disk is full.
    """
    _clear(to)
    for name in sorted(site.names(), key=lambda name: name != MARK):  # the mark first: see ``_clear``
        data = site.read(name)
        if data is not None:
            yield _write(to, name, data)
    yield from _montages(site, to)
    if site.other is not None:
        for name in _montages(site.other, to / "other"):
            yield f"other/{name}"


def _clear(to: Path) -> None:
    if to.exists() and any(to.iterdir()) and not (to / MARK).exists():
        raise ConfigurationError(f"{to} holds something else than a report: choose another folder")
    try:
        for pattern in (
            "data/*/*.js",
            "data/*.js",
            "montages/*/*.jpg",
            "mosaics/*/*.jpg",
            "mosaics/*/*.png",
            "other/data/*/*.js",
            "other/montages/*/*.jpg",
            "other/mosaics/*/*.jpg",
            "other/mosaics/*/*.png",
        ):
            for path in to.glob(pattern):
                if path == to / MARK:  # written over at once: without it a killed run's folder is nobody's
                    continue
                see_inside(path.parent, to)
                path.unlink()
        make_folder(to)
    except OSError as error:
        raise translated(error, to) from error


def _montages(site: ReportSite, to: Path) -> Iterator[str]:
    """Write the pictures from the samples table, a thousand at a time: a shard each would take hours."""
    path = Layout(site.root).samples
    for part in row_groups(path, path, columns=["scan_id", "montage"]):
        for scan_id, picture in zip(part["scan_id"], part["montage"], strict=True):
            if picture.is_valid and scan_id.as_py() in site.places:
                yield _write(to, site.montage_name(scan_id.as_py()), picture.as_py())


def _write(to: Path, name: str, data: bytes) -> str:
    # no sync: a report is made anew in a moment, and 60,000 syncs take hours
    path = to / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        see_inside(path.parent, to)
        # a report may come with a stranger's corpus: nothing is written through a link, or into a pipe
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
            file.write(data)
    except OSError as error:
        raise translated(error, path) from error
    return name
