"""DuckDB's answer to one SELECT, in plain types that every grid, chart and file can hold."""

import io
from collections.abc import Sequence
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.sql.placeholders import placeholder_fault

_MOST_COLUMNS: Final = 1000
_PLAIN: Final = frozenset(
    {
        *("BOOLEAN", "VARCHAR", "FLOAT", "DOUBLE"),
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
        *("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
    }
)
_CASTS: Final = {
    "DECIMAL": "CAST({} AS DOUBLE)",
    "HUGEINT": "CAST({} AS DOUBLE)",
    "UHUGEINT": "CAST({} AS DOUBLE)",
    "TIMESTAMP WITH TIME ZONE": "CAST({} AT TIME ZONE 'UTC' AS TIMESTAMP)",
}
"""How types that are not plain are shown; all others as DuckDB writes them."""

_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
"""1 January of the year 1 and 31 December 9999, in days from 1970 on."""

_PER_DAY: Final = {
    pa.date32(): 1,
    pa.timestamp("s"): 86_400,
    pa.timestamp("ms"): 86_400_000,
    pa.timestamp("us"): 86_400_000_000,
}
"""Types that can hold times which no calendar has, and their units a day."""


class Refused(Exception):
    """The query is not answered; the message is a sentence for whoever asks."""


def only_select(database: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """Parse a text that must be one SELECT.

    Raises
    ------
    Refused
        If it is anything else.
    """
    try:
        statements = database.extract_statements(text)
    except duckdb.Error as error:
        raise Refused(told(error)) from error
    if len(statements) != 1:
        raise Refused(f"Here is one query at a time; these are {len(statements)}.")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name.replace("_", " ")
        raise Refused(f"Only SELECT is run here (WITH … SELECT too), not {kind}.")
    return statements[0]


def days_of(statement: duckdb.Statement, days: Sequence[str]) -> list[str]:
    """The values for a statement's question marks.

    Raises
    ------
    Refused
        If it has another number of them than there are days, or none.
    """
    number = len(statement.named_parameters)
    fault = placeholder_fault(number)
    if fault:
        raise Refused(fault)
    return list(days[:number])


def first_rows(
    database: duckdb.DuckDBPyConnection,
    statement: duckdb.Statement,
    days: list[str],
    most_rows: int,
    most_bytes: int,
) -> pa.Table:
    """Take rows as they come until there is one more than `most_rows`.

    Raises
    ------
    Refused
        If they take more than `most_bytes`.
    """
    database.execute("BEGIN TRANSACTION READ ONLY")
    text, names = _in_plain_types(database, statement.query, days)
    reader = database.execute(text, days).to_arrow_reader(min(most_rows + 1, 2048))
    names = names or reader.schema.names
    if len(names) > _MOST_COLUMNS:
        raise Refused(f"The answer has {len(names)} columns: name {_MOST_COLUMNS} at most.")
    taken, number, size = [], 0, 0
    for batch in reader:
        taken.append(batch)
        number += batch.num_rows
        size += batch.nbytes
        if size > most_bytes:
            raise Refused(
                f"The answer takes more than {most_bytes // 2**20} MB: name fewer or shorter "
                "columns."
            )
        if number > most_rows:
            break
    table = pa.Table.from_batches(taken, schema=reader.schema).slice(0, most_rows + 1)
    database.execute("ROLLBACK")
    return shown(database, table.rename_columns(names))


def shown(database: duckdb.DuckDBPyConnection, table: pa.Table) -> pa.Table:
    """A table whose times outside the years 1 to 9999, infinity too, are texts."""
    columns = [
        column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column
        for column in table.columns
    ]
    columns = [
        column if _is_in_calendar(column) else _as_text(database, column) for column in columns
    ]
    return pa.Table.from_arrays(columns, names=table.column_names)


def packed(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def told(error: Exception) -> str:
    """An error's message as one paragraph, without drawings and traces."""
    text = str(error)
    for end in ("\n\nLINE ", "\n\nStack Trace", "\n\nAt:\n"):
        text = text.split(end, maxsplit=1)[0]
    return text.strip() or type(error).__name__


def _in_plain_types(
    database: duckdb.DuckDBPyConnection, text: str, days: list[str]
) -> tuple[str, list[str]]:
    """The query with a cast for what is not plain, and its columns' names; as it is if all are."""
    try:
        described = database.execute(f"DESCRIBE {text}", days).fetchall()
    except duckdb.ParserException:  # what describes already can't be described once more
        return text, []
    kinds = [str(kind) for _, kind, *_ in described]
    if _PLAIN.issuperset(kinds):
        return text, []
    columns = [f"c{number}" for number in range(len(kinds))]
    shown_as = ", ".join(map(_cast, columns, kinds))
    inner = _without_semicolon(text)
    outer = f"SELECT {shown_as} FROM (\n{inner}\n) AS answer({', '.join(columns)})"  # noqa: S608
    return outer, [str(name) for name, *_ in described]


def _cast(column: str, kind: str) -> str:
    if kind in _PLAIN:
        return column
    family = "" if kind.endswith("]") else kind.partition("(")[0]
    return _CASTS.get(family, "CAST({} AS VARCHAR)").format(column)


def _without_semicolon(text: str) -> str:
    """A single statement's text up to the semicolon that ends it, if there is one."""
    encoded = text.encode()
    for place, kind in duckdb.tokenize(text):
        if kind == duckdb.token_type.operator and encoded[place : place + 1] == b";":
            return encoded[:place].decode()
    return text


def _is_in_calendar(column: pa.ChunkedArray) -> bool:
    per_day = _PER_DAY.get(column.type)
    if per_day is None:
        return True
    first, last = _FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1
    ends = [end.value for end in pc.min_max(column).values()]
    return all(end is None or first <= end <= last for end in ends)


def _as_text(database: duckdb.DuckDBPyConnection, column: pa.ChunkedArray) -> pa.ChunkedArray:
    table = pa.Table.from_arrays([column], names=["c"])
    return database.from_arrow(table).project("CAST(c AS VARCHAR) AS c").to_arrow_table()["c"]
