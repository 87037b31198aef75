"""Athena over the curated bucket: the workgroup and the database that Terraform made.

The workgroup bounds what a query may read. What is no query is told by Athena itself: a text is
first validated inside the brackets of `SELECT * FROM (…)`, where only a query can stand. The
permissions on offer allow no change of the data either.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import pandas as pd
from botocore.config import Config

from dashboard.sql.engine import (
    MOST_ROWS,
    MOST_SECONDS,
    Query,
    QueryRefused,
    QueryResult,
    check_placeholders,
    saved_queries,
    unrepeated,
)
from petrostream.aws.clients import client_of, explained

_POLL_SECONDS: Final = 0.5
_ROWS_A_PAGE: Final = 1000
_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 3}, connect_timeout=3, read_timeout=25
)
_NUMBERS: Final = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "float", "double", "decimal"}
)


@dataclass(frozen=True, slots=True)
class Workgroup:
    """Where queries run: a workgroup by name, and the database of the tables."""

    name: str
    database: str


class Athena:
    """An engine in the AWS account."""

    name = "Athena"

    def __init__(self, workgroup: Workgroup, client: Any = None) -> None:
        self._workgroup = workgroup
        self._athena = client or client_of("athena", _CONFIG)

    def run(self, query: Query, tick: Callable[[], None] = lambda: None) -> QueryResult:
        """Run a query, as `Engine.run` says."""
        began = time.perf_counter()
        number = placeholders(query.text)
        check_placeholders(number)
        with explained(f"asking Athena's workgroup {self._workgroup.name}"):
            text = query.text
            if text not in {saved.text for saved in saved_queries()}:
                text = text.rstrip().removesuffix(";")
                self._finish(self._start(validation(text), []), began, tick)
            days = [f"'{day}'" for day in query.days[:number]]
            execution = self._finish(self._start(text, days), began, tick)
            rows, is_cut = self._rows(execution)
        return QueryResult(rows, is_cut, time.perf_counter() - began)

    def _start(self, text: str, parameters: list[str]) -> str:
        given = {"ExecutionParameters": parameters} if parameters else {}
        started = self._athena.start_query_execution(
            QueryString=text,
            QueryExecutionContext={"Database": self._workgroup.database},
            WorkGroup=self._workgroup.name,
            **given,
        )
        return cast("str", started["QueryExecutionId"])

    def _finish(self, execution: str, began: float, tick: Callable[[], None]) -> str:
        """Wait until a query has succeeded; where nobody waits any more, stop it."""
        while True:
            found = self._athena.get_query_execution(QueryExecutionId=execution)
            status = found["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return execution
            if status["State"] in {"FAILED", "CANCELLED"}:
                raise QueryRefused(status.get("StateChangeReason", "The query failed."))
            try:
                _pause(began, tick)
            except BaseException:
                self._athena.stop_query_execution(QueryExecutionId=execution)
                raise

    def _rows(self, execution: str) -> tuple[pd.DataFrame, bool]:
        """Page through a result until there is enough; its first row has the names."""
        pages = self._athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution, PaginationConfig={"PageSize": _ROWS_A_PAGE}
        )
        rows: list[list[str | None]] = []
        columns: list[dict[str, str]] = []
        for page in pages:
            columns = columns or page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            rows += [
                [cell.get("VarCharValue") for cell in row["Data"]]
                for row in page["ResultSet"]["Rows"]
            ]
            if len(rows) > MOST_ROWS + 1:
                break
        return as_frame(columns, rows[1 : MOST_ROWS + 1]), len(rows) > MOST_ROWS + 1


def _pause(began: float, tick: Callable[[], None]) -> None:
    if time.perf_counter() - began > MOST_SECONDS:
        raise QueryRefused(
            f"The query took longer than {MOST_SECONDS} s and was ended: name fewer days, or "
            "fewer wells."
        )
    tick()
    time.sleep(_POLL_SECONDS)


def placeholders(text: str) -> int:
    """How many question marks stand for a value: those outside texts, names and comments.

    >>> placeholders("SELECT '?' /* ? */ FROM t WHERE day BETWEEN ? AND ?")
    2
    """
    number, rest = 0, text
    while rest:
        for opening, closing in (("--", "\n"), ("/*", "*/"), ("'", "'"), ('"', '"')):
            if rest.startswith(opening):
                _, _, rest = rest[len(opening) :].partition(closing)
                break
        else:
            number += rest[0] == "?"
            rest = rest[1:]
    return number


def validation(text: str) -> str:
    """What Athena accepts only where a text is a query; it reads no data.

    A question mark becomes an empty text: outside a text it is one, inside it is a quotation mark.
    """
    return f"EXPLAIN (TYPE VALIDATE) SELECT * FROM (\n{text.replace('?', chr(39) * 2)}\n)"  # noqa: S608


def as_frame(columns: list[dict[str, str]], rows: list[list[str | None]]) -> pd.DataFrame:
    """Make a table of texts one of numbers and times, as its columns say."""
    frame = pd.DataFrame(
        rows, columns=unrepeated(column["Name"] for column in columns), dtype=object
    )
    for position, column in enumerate(columns):
        name = frame.columns[position]
        if column["Type"] in _NUMBERS:
            frame[name] = _read(pd.to_numeric, frame[name])
        elif column["Type"].startswith("timestamp"):
            frame[name] = _read(_times, frame[name])
    return frame


def _read(convert: Callable[[pd.Series], pd.Series], texts: pd.Series) -> pd.Series:
    """Numbers or times of texts; the texts themselves where one of them can't be had so."""
    try:
        return convert(texts)
    except (ValueError, OverflowError):
        return texts


def _times(texts: pd.Series) -> pd.Series:
    """Times of texts of the years 1 to 9999; of others pandas makes something, and no error."""
    if not texts.dropna().str.match(r"\d{4}-").all():
        raise ValueError
    return pd.to_datetime(texts)
