"""The tables of a query, as Athena has them: views over the curated objects."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import duckdb

from dashboard.sql.object_files import PROTOCOL, ObjectFiles
from petrostream.schema.columns import DATE, WELL
from petrostream.schema.keys import EVENTS, SCORED

PREFIXES: Final = (SCORED, EVENTS)
"""What a query may read, and nothing else of the bucket."""

_RUN: Final = (
    'STRUCT(recording VARCHAR, start BIGINT, "end" BIGINT, peak BIGINT, peak_score DOUBLE, '
    '"rows" INTEGER, sensors MAP(VARCHAR, INTEGER), limits MAP(VARCHAR, INTEGER), opens BOOLEAN)'
)
_EVENT_COLUMNS: Final = {
    "model_version": "VARCHAR",
    "merge_gap_seconds": "INTEGER",
    "runs": f"{_RUN}[]",
}
_PARTITIONS: Final = "hive_partitioning=true, hive_types_autocast=false"
_IN_KEY: Final = ", ".join(
    f"regexp_extract(filename, '/{name}=([^/]*)/', 1) AS \"{name}\"" for name in (DATE, WELL)
)
"""Partitions by hand, which DuckDB does not do where it is told the columns. It reads only the
files whose name fits a condition on them all the same.
"""


class Column(NamedTuple):
    """A column of `scored`: what it is called in the files and in SQL, and its type there."""

    stored: str
    name: str
    type: str


def make_tables(
    database: duckdb.DuckDBPyConnection, files: ObjectFiles, text: str, columns: Sequence[Column]
) -> None:
    """Make the views `scored` and `events`, and what Athena calls otherwise.

    Parameters
    ----------
    database
        One with `files` registered.
    text
        The query: what it does not name is not listed, and can't be read by another way.
    columns
        Those of `scored`.
    """
    named = text.casefold()
    scored = {each.name: _kind(each.type) for each in columns}
    for name, prefix, all_rows, empty in (
        ("scored", SCORED, _scored(columns), _no_rows(scored)),
        ("events", EVENTS, _events(), _no_rows(_EVENT_COLUMNS)),
    ):
        if name not in named:
            rows = f"{empty} OR error('a query has to name {name} to read it')"
        else:
            rows = all_rows if files.below(prefix) else empty
        database.execute(f"CREATE VIEW {name} AS {rows}")
    database.execute("CREATE MACRO cardinality(items) AS len(items)")
    database.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")


def _scored(columns: Sequence[Column]) -> str:
    known = ", ".join(map(_column, columns))
    source = f"read_parquet({_files(SCORED, 'parquet')}, filename=true, schema=MAP {{{known}}})"
    return f"SELECT * EXCLUDE (filename), {_IN_KEY} FROM {source}"  # noqa: S608 - all quoted


def _events() -> str:
    columns = ", ".join(f"{name}: {_text(kind)}" for name, kind in _EVENT_COLUMNS.items())
    return (
        f"FROM read_json({_files(EVENTS, 'json')}, {_PARTITIONS}, "
        f"format='newline_delimited', columns={{{columns}}})"
    )


def _files(prefix: str, suffix: str) -> str:
    return _text(f"{PROTOCOL}://{prefix}well=*/date=*/*.{suffix}")


def _column(column: Column) -> str:
    """A column as read_parquet takes it.

    Files that were written before a column joined do not have it; they give NULL.
    """
    return (
        f"{_text(column.stored)}: {{name: {_text(column.name)}, type: {_text(_kind(column.type))}, "
        "default_value: NULL}"
    )


def _kind(of_athena: str) -> str:
    return "VARCHAR" if of_athena == "string" else of_athena.upper()


def _no_rows(columns: dict[str, str]) -> str:
    columns = columns | {"date": "VARCHAR", "well": "VARCHAR"}
    empty = ", ".join(f"NULL::{kind} AS {_name(name)}" for name, kind in columns.items())
    return f"SELECT {empty} WHERE false"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
