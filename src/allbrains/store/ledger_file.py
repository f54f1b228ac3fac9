"""The ledger's file: its tables, how it is opened, and what SQLite's errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from allbrains.errors import AllbrainsError, ConfigurationError, CorpusError, NoSpace
from allbrains.files import make_folder, translated

APPLICATION_ID = 0x616C6272  # "albr" in the file's header, so that `file` and we can tell it
SCHEMA_VERSION = 1

BUSY_TIMEOUT_S = 30.0  # `status` may hold a checkpoint back for a moment; a second writer waits in vain

_TABLES = """
CREATE TABLE scans (
    scan_id TEXT PRIMARY KEY, dataset TEXT NOT NULL, shard INTEGER NOT NULL, position INTEGER NOT NULL,
    scan TEXT NOT NULL, UNIQUE (dataset, shard, position)
) STRICT;
CREATE TABLE outcomes (
    scan_id TEXT PRIMARY KEY REFERENCES scans,
    kind TEXT NOT NULL CHECK (kind IN ('done', 'rejected', 'failed')),
    reason TEXT NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL,
    sha256 TEXT NOT NULL, size INTEGER NOT NULL, attempts INTEGER NOT NULL
) STRICT;
CREATE TABLE costs (
    scan_id TEXT NOT NULL REFERENCES scans, attempt INTEGER NOT NULL, position INTEGER NOT NULL,
    step TEXT NOT NULL, cpu_s REAL NOT NULL, wall_s REAL NOT NULL, peak_mb REAL NOT NULL,
    PRIMARY KEY (scan_id, attempt, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE shards (
    dataset TEXT NOT NULL, shard INTEGER NOT NULL,
    members TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (dataset, shard)
) STRICT, WITHOUT ROWID;
"""


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that can't write.

    Raises:
        ConfigurationError: there is no ledger, or it is of a later version.
        CorpusError: the file is not a ledger.
    """
    if not path.is_file():
        raise ConfigurationError(f"no ledger at {path}: `allbrains build` makes one")
    with translating(path):
        db = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
        _check(db, path)
    return db


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Return a connection to a ledger, made where there is none.

    Raises:
        ConfigurationError: it is of a later version, or the folder can't be written to.
        CorpusError: the file is not a ledger.
        NoSpace: the disk is full.
    """
    try:
        make_folder(path.parent)
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path} is not a regular file")
    except OSError as error:
        raise translated(error, path) from error
    with translating(path):
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        _check(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        with db:  # both marks and all tables, or nothing
            db.execute("BEGIN IMMEDIATE")
            if not _version(db):
                for statement in _TABLES.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return db


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not a ledger, or one of a later version; an empty file passes."""
    # a ledger may be a stranger's: its own SQL is not run, and nothing in it stands for a table of ours
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (foreign,) = db.execute(
        "SELECT count(*) FROM sqlite_master "
        "WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
    ).fetchone()
    if foreign:
        raise CorpusError(f"{path} holds views, triggers or virtual tables: no ledger of allbrains has any")
    if application != APPLICATION_ID and tables:
        raise CorpusError(f"{path} is an SQLite file, but not a ledger of allbrains")
    if (version := _version(db)) > SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written by a later allbrains: its ledger is version {version}, "
            f"this one knows {SCHEMA_VERSION}. Upgrade it"
        )


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    except UnicodeDecodeError as error:  # SQLite's own words quote a damaged file
        raise CorpusError(f"{path}: a text in it is not UTF-8") from error
    except OverflowError as error:
        raise CorpusError(f"{path}: {error}") from error


def _translated(error: sqlite3.Error, path: Path) -> AllbrainsError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    if code == sqlite3.SQLITE_FULL:
        return NoSpace(f"no space left to write {path}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ConfigurationError(f"another process writes {path}: one build a folder")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return ConfigurationError(f"can't write {path}: {error}")
    return CorpusError(f"{path}: {error}")
