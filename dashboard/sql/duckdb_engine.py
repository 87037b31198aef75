"""DuckDB over the curated bucket: tables as Athena has them, and nothing else within reach.

Each query has a database of its own in memory, with one view for `scored` and one for `events`.
Once they are there, the database may read below those two prefixes only, and its settings are
locked. DuckDB's own parser says what a text is, and only a single SELECT is run, in a read-only
transaction: COPY could write below the prefixes.
"""

import importlib.util
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import starmap
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import boto3
import duckdb
import pandas as pd
import pyarrow as pa

from dashboard.sql.engine import (
    MOST_ROWS,
    MOST_SECONDS,
    Query,
    QueryRefused,
    QueryResult,
    check_placeholders,
    unrepeated,
)
from petrostream.aws.buckets import Bucket
from petrostream.errors import ServiceUnavailable, SettingsError
from petrostream.schema.columns import DATE, SCORED_SCHEMA, WELL
from petrostream.schema.keys import EVENTS, SCORED
from petrostream.schema.sql_columns import scored_columns

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "temp_directory": "",
}
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

_FROM_ENVIRONMENT: Final = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
"""Settings that the reader of S3 takes from the environment, and shows to whoever asks."""

_IO: Final = (duckdb.IOException, duckdb.HTTPException)


class DuckDB:
    """An engine in this process that reads the bucket itself."""

    name = "DuckDB"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def run(self, query: Query) -> QueryResult:
        """Run a query, as `Engine.run` says."""
        began = time.perf_counter()
        with duckdb.connect(":memory:", config=_CONFIG) as database:
            statement = only_select(database, query.text)
            number = len(statement.named_parameters)
            check_placeholders(number)
            with _limited(database) as ran_out:
                try:
                    self._prepare(database)
                    rows, is_cut = _first_rows(database, statement, query.days[:number])
                except duckdb.Error as error:
                    raise _explained(error, ran_out=ran_out()) from error
        return QueryResult(rows, is_cut, time.perf_counter() - began)

    def _prepare(self, database: duckdb.DuckDBPyConnection) -> None:
        database.execute(f"LOAD {_text(_extension())}")
        for setting in _FROM_ENVIRONMENT:
            database.execute(f"SET {setting} = ''")
        database.execute(_secret())
        database.execute(f"CREATE VIEW scored AS {self._scored()}")
        database.execute(f"CREATE VIEW events AS {self._events()}")
        _as_athena(database)
        self._lock(database)

    def _scored(self) -> str:
        if not self._holds(SCORED):
            return _no_rows({each["name"]: each["type"] for each in scored_columns()})
        columns = ", ".join(
            starmap(_column, zip(scored_columns(), SCORED_SCHEMA.names, strict=True))
        )
        source = (
            f"read_parquet({self._files(SCORED, 'parquet')}, filename=true, "
            f"schema=MAP {{{columns}}})"
        )
        return f"SELECT * EXCLUDE (filename), {_IN_KEY} FROM {source}"  # noqa: S608 - all quoted

    def _events(self) -> str:
        if not self._holds(EVENTS):
            return _no_rows(_EVENT_COLUMNS)
        columns = ", ".join(f"{name}: {_text(kind)}" for name, kind in _EVENT_COLUMNS.items())
        return (
            f"FROM read_json({self._files(EVENTS, 'json')}, {_PARTITIONS}, "
            f"format='newline_delimited', columns={{{columns}}})"
        )

    def _holds(self, prefix: str) -> bool:
        return next(self._bucket.list(prefix), None) is not None

    def _files(self, prefix: str, suffix: str) -> str:
        return _text(f"s3://{self._bucket.name}/{prefix}well=*/date=*/*.{suffix}")

    def _lock(self, database: duckdb.DuckDBPyConnection) -> None:
        folders = [f"s3://{self._bucket.name}/{prefix}" for prefix in (SCORED, EVENTS)]
        database.execute(f"SET allowed_directories = [{', '.join(map(_text, folders))}]")
        database.execute("SET python_enable_replacements = false")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")


def only_select(database: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """Parse a text that must be one SELECT.

    Raises
    ------
    QueryRefused
        If it is anything else.
    """
    try:
        statements = database.extract_statements(text)
    except duckdb.Error as error:
        raise QueryRefused(_line(error)) from error
    if len(statements) != 1:
        raise QueryRefused(f"Here is one query at a time; these are {len(statements)}.")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name.replace("_", " ")
        raise QueryRefused(f"Only SELECT is run here (WITH … SELECT too), not {kind}.")
    return statements[0]


def _first_rows(
    database: duckdb.DuckDBPyConnection, statement: duckdb.Statement, days: list[str]
) -> tuple[pd.DataFrame, bool]:
    """Take rows as they come until there are enough."""
    database.execute("BEGIN TRANSACTION READ ONLY")
    reader = database.execute(statement, days).to_arrow_reader(MOST_ROWS + 1)
    taken, number = [], 0
    for batch in reader:
        taken.append(batch)
        number += batch.num_rows
        if number > MOST_ROWS:
            break
    table = pa.Table.from_batches(taken, schema=reader.schema)
    return as_frame(table.slice(0, MOST_ROWS)), number > MOST_ROWS


def as_frame(table: pa.Table) -> pd.DataFrame:
    """A result as a grid can show it: plain numbers, and no name twice."""
    columns = [
        column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, names=unrepeated(table.column_names)).to_pandas()


@contextmanager
def _limited(database: duckdb.DuckDBPyConnection) -> Iterator[Callable[[], bool]]:
    """Interrupt the database when the time is up; gives what says whether it was."""
    is_over = threading.Event()

    def stop() -> None:
        is_over.set()
        with suppress(duckdb.Error):
            database.interrupt()

    timer = threading.Timer(MOST_SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        yield is_over.is_set
    finally:
        timer.cancel()


def _explained(error: duckdb.Error, *, ran_out: bool) -> QueryRefused | ServiceUnavailable:
    if ran_out or isinstance(error, duckdb.InterruptException):
        return QueryRefused(
            f"The query took longer than {MOST_SECONDS} s and was ended: name fewer days, or "
            "fewer wells."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryRefused("The query needs more memory than it may take: name fewer days.")
    if isinstance(error, _IO):
        return ServiceUnavailable(_line(error))
    return QueryRefused(_line(error))


def _line(error: duckdb.Error) -> str:
    """DuckDB's message as one paragraph, without the drawing of where in the text it is."""
    return str(error).split("\n\nLINE ")[0].strip()


def _as_athena(database: duckdb.DuckDBPyConnection) -> None:
    """What Athena calls otherwise."""
    database.execute("CREATE MACRO cardinality(items) AS len(items)")
    database.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")


def _secret() -> str:
    """Credentials, region and endpoint as every other AWS client here has them."""
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise SettingsError("reading the curated data: there are no AWS credentials")
    frozen = credentials.get_frozen_credentials()
    options = {
        "KEY_ID": frozen.access_key,
        "SECRET": frozen.secret_key,
        "SESSION_TOKEN": frozen.token or "",
        "REGION": session.region_name or "us-east-1",
    }
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    switches = ""
    if endpoint:
        address = urlsplit(endpoint)
        options |= {"ENDPOINT": address.netloc, "URL_STYLE": "path"}
        switches = f", USE_SSL {str(address.scheme == 'https').lower()}"
    given = ", ".join(f"{name} {_text(value)}" for name, value in options.items() if value)
    return f"CREATE SECRET (TYPE s3, {given}{switches})"


def _extension() -> str:
    """Where the package has put DuckDB's reader of S3; nothing is downloaded."""
    package = importlib.util.find_spec("duckdb_extension_httpfs")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        for path in Path(folder).rglob("httpfs.duckdb_extension"):
            return str(path)
    raise SettingsError("DuckDB's reader of S3 is missing: run `make setup`")


def _column(column: dict[str, str], stored: str) -> str:
    """A column as read_parquet takes it: what it is called in the files and here, and its type.

    Files that were written before a column joined do not have it; they give NULL.
    """
    kind = "VARCHAR" if column["type"] == "string" else column["type"].upper()
    return (
        f"{_text(stored)}: {{name: {_text(column['name'])}, type: {_text(kind)}, "
        "default_value: NULL}"
    )


def _no_rows(columns: dict[str, str]) -> str:
    columns = columns | {"date": "VARCHAR", "well": "VARCHAR"}
    empty = ", ".join(f"NULL::{kind} AS {_name(name)}" for name, kind in columns.items())
    return f"SELECT {empty} WHERE false"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
