"""A condition in SQL, asked in a process of its own: no file, no network, bounded memory, bounded time.

A condition may come from a stranger's script, recipe or page, and the tables that it is asked of may be a
stranger's too. DuckDB's own limits don't hold here: ``list_sum(range(400000000))`` takes 6 GB under a
``memory_limit`` of 2 GB, and 28 s after ``interrupt()`` (DuckDB 2.0). The system's limits do.

``python -m allbrains.condition``, what is below ``main``, is that process. It costs about half a second.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from allbrains.errors import ConfigurationError
from allbrains.text import sound

# A condition over a million rows takes 0.1 s and some megabytes for each column that it names.
LONGEST_S = 60.0
MOST_BYTES = 4 << 30  # of addresses, on top of what the tables take
ROW = "allbrains_row"  # the column that numbers the rows of the first table


def rows_where(sql: str, tables: Mapping[str, pa.Table], *, longest_s: float = LONGEST_S) -> list[int]:
    """Return the numbers of the first table's rows for which one statement of SQL holds, ascending.

    Args:
        sql: a SELECT of the column ``ROW``, which the first table is given here.
        tables: by the names that the statement has for them.
        longest_s: seconds that it may take.

    Raises:
        ConfigurationError: it is not one statement, or can't be answered, or not within time and memory; the
            message is DuckDB's.
    """
    first = next(iter(tables))
    numbers = pa.array(range(len(tables[first])), pa.int64())
    asked = {
        name: table.append_column(ROW, numbers) if name == first else table for name, table in tables.items()
    }
    sent = _packed(sound(sql), asked)
    try:
        answer = subprocess.run(
            [sys.executable, "-m", __name__, str(MOST_BYTES + 2 * len(sent))],
            input=sent,
            capture_output=True,
            timeout=longest_s,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"not answered within {longest_s:g} s") from error
    try:
        told: dict[str, Any] = json.loads(answer.stdout)
    except ValueError as error:
        raise ConfigurationError(f"it needs more than {MOST_BYTES >> 30} GB of memory") from error
    if "error" in told:
        raise ConfigurationError(told["error"])
    return sorted(int(row) for row in told["rows"])


_LACKING = re.compile(
    r'(?:Referenced column|column named|Table "\w+" does not have a column named) "([^"]+)"'
)
_OFTEN = ("dataset", "sex", "age_years", "group", "brain_mask_ml", "session", "path")
_NAMED = 5  # columns: more is a wall, and the reference has them all


def advice(where: str, error: str, columns: Sequence[str]) -> str:
    """Return what to do about a condition that was refused: columns that may be meant, and how to quote.

    Args:
        where: the condition.
        error: DuckDB's sentence.
        columns: that there are.
    """
    found = _LACKING.search(error)
    wrong = found[1] if found else ""
    begin = [name for name in columns if wrong and name.startswith(wrong.lower())]
    alike = get_close_matches(wrong.lower(), columns, n=_NAMED, cutoff=0.5) if wrong else []
    close = list(dict.fromkeys([*begin, *alike]))
    usual = [name for name in (*_OFTEN, *columns) if name in columns and name not in close]
    likely = ", ".join(_quoted(name) for name in [*close, *usual][:_NAMED])
    compared = re.search(rf"(\w+)\s*(=|==|!=|<>)\s*\"?{re.escape(wrong)}\"?(?!\w)", where) if wrong else None
    text = (
        f"{compared[1]} {compared[2]} '{wrong}'" if compared and compared[1] in columns else "sex = 'female'"
    )
    reserved = " (double quotes: a word of SQL)" if '"group"' in likely else ""
    return (
        f"Quote text: {text}. Likely columns: {likely}{reserved}; all {len(columns)} are in "
        "docs/reference/columns.md and in the tables themselves"
    )


def _quoted(name: str) -> str:
    return f'"{name}"' if name == "group" else name


def main() -> None:
    """Answer the question on standard input."""
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import duckdb

    try:
        told: dict[str, Any] = {"rows": _answered(*_unpacked(sys.stdin.buffer.read()))}
    except (duckdb.Error, ValueError) as error:
        told = {"error": (str(error).splitlines() or [type(error).__name__])[0]}
    except MemoryError:
        told = {"error": "it needs more memory than a condition may have"}
    print(json.dumps(told))


def _answered(sql: str, tables: Mapping[str, pa.Table]) -> list[int]:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "threads": "1",
        "temp_directory": "",
    }
    with duckdb.connect(":memory:", config=settings) as database:
        for name, table in tables.items():
            database.register(name, table)
        if len(statements := database.extract_statements(sql)) != 1:
            raise ValueError("expected one condition")
        return [row for (row,) in database.execute(statements[0]).fetchall()]


def _packed(sql: str, tables: Mapping[str, pa.Table]) -> bytes:
    """Return a question: JSON with the statement and each table's name and bytes, a line feed, the tables."""
    streams = []
    for table in tables.values():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        streams.append(sink.getvalue().to_pybytes())
    sizes = dict(zip(tables, map(len, streams), strict=True))
    return b"".join([json.dumps({"sql": sql, "tables": sizes}).encode(), b"\n", *streams])


def _unpacked(sent: bytes) -> tuple[str, dict[str, pa.Table]]:
    head, _, rest = sent.partition(b"\n")
    told = json.loads(head)
    tables, start = {}, 0
    for name, size in told["tables"].items():
        tables[name] = pa.ipc.open_stream(rest[start : start + size]).read_all()
        start += size
    return told["sql"], tables


if __name__ == "__main__":
    main()
