"""``where``: an SQL condition over the columns of the samples table."""

from __future__ import annotations

import pyarrow as pa

from allbrains import condition
from allbrains.errors import ConfigurationError


def rows_where(table: pa.Table, where: str) -> list[int]:
    """Return the numbers of the rows for which a condition holds, ascending.

    DuckDB answers it in a process that can reach no file and no network, with bounds on memory and time (see
    ``condition``), so text from a stranger can at worst be refused.

    Raises:
        ConfigurationError: the condition is not an SQL expression over these columns.
    """
    try:
        return condition.rows_where(
            f"SELECT {condition.ROW} FROM samples WHERE (\n{where}\n)", {"samples": table}
        )
    except ConfigurationError as error:
        told = condition.advice(where, str(error), table.column_names)
        raise ConfigurationError(f"where {where!r}: {error}. {told}") from error
