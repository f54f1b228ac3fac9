"""``where``: an SQL condition over the columns of the samples table."""

from __future__ import annotations

import pyarrow as pa

from allbrains.errors import ConfigurationError

_ROW = "allbrains_row"


def rows_where(table: pa.Table, where: str) -> list[int]:
    """Return the numbers of the rows for which a condition holds, ascending.

    DuckDB reads the condition as one expression, in a database that can reach no file and no network, so
    text from a stranger can at worst be slow.

    Raises:
        ConfigurationError: the condition is not an SQL expression over these columns.
    """
    import duckdb  # 30 MB that a reader without a condition doesn't need

    numbered = table.append_column(_ROW, pa.array(range(len(table)), pa.int64()))
    with duckdb.connect(
        ":memory:", config={"enable_external_access": "false", "lock_configuration": "true", "threads": "1"}
    ) as db:
        try:
            found = db.from_arrow(numbered).filter(where).project(_ROW).fetchall()
        except duckdb.Error as error:
            raise ConfigurationError(
                f"where {where!r}: {str(error).splitlines()[0]}. Columns: {', '.join(table.column_names)}"
            ) from error
    return sorted(row for (row,) in found)
