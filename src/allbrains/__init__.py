"""allbrains: OpenNeuro's structural MRI as a dataset that a neural network can train on.

``allbrains.open(path)`` reads a corpus; ``allbrains.catalog()`` finds scans, and ``allbrains.Corpus(folder)``
builds a corpus of them, checks it, shows it, trains on it and shares it. Everything that the command line
does is done by the names here. They are imported when they are first used; one that needs an extra says
which.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from allbrains.version import VERSION as __version__

if TYPE_CHECKING:
    from allbrains.errors import (
        AllbrainsError,
        ConfigurationError,
        CorpusError,
        ScanUnusable,
        SourceError,
        TransientError,
    )
    from allbrains.library.checkup import doctor
    from allbrains.library.choose_scans import Choice
    from allbrains.library.crawl_catalog import catalog
    from allbrains.library.demo_corpus import demo
    from allbrains.library.download_scans import download
    from allbrains.library.local_openneuro import fault_table, serve_openneuro
    from allbrains.library.own_scan import list_series, scan
    from allbrains.library.participant_files import read_participants
    from allbrains.library.study import Corpus
    from allbrains.library.train_corpus import find_leaks
    from allbrains.load import Brain, Brains, open

_PLACES = {
    "AllbrainsError": "errors",
    "Brain": "load",
    "Brains": "load",
    "Choice": "library.choose_scans",
    "ConfigurationError": "errors",
    "Corpus": "library.study",
    "CorpusError": "errors",
    "ScanUnusable": "errors",
    "SourceError": "errors",
    "TransientError": "errors",
    "catalog": "library.crawl_catalog",
    "demo": "library.demo_corpus",
    "doctor": "library.checkup",
    "download": "library.download_scans",
    "fault_table": "library.local_openneuro",
    "find_leaks": "library.train_corpus",
    "list_series": "library.own_scan",
    "open": "load",
    "read_participants": "library.participant_files",
    "scan": "library.own_scan",
    "serve_openneuro": "library.local_openneuro",
}

__all__ = [
    "AllbrainsError",
    "Brain",
    "Brains",
    "Choice",
    "ConfigurationError",
    "Corpus",
    "CorpusError",
    "ScanUnusable",
    "SourceError",
    "TransientError",
    "__version__",
    "catalog",
    "demo",
    "doctor",
    "download",
    "fault_table",
    "find_leaks",
    "list_series",
    "open",
    "read_participants",
    "scan",
    "serve_openneuro",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: ``import allbrains`` stays instant."""
    if name not in _PLACES:
        raise AttributeError(f"module 'allbrains' has no attribute {name!r}")
    try:
        return getattr(import_module(f"allbrains.{_PLACES[name]}"), name)
    except ModuleNotFoundError as error:
        from allbrains import extras

        if extras.is_our_own(error):
            raise
        raise extras.lacking(error, f"allbrains.{name}") from error


def __dir__() -> list[str]:
    """Return the public names, for TAB in a notebook."""
    return sorted(__all__)
