"""SQL over the curated data: what an engine is asked, and what it answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

import pandas as pd

from dashboard.sql.placeholders import placeholder_fault
from petrostream.errors import UsageError
from petrostream.settings import PROJECT_ROOT

SAVED: Final = PROJECT_ROOT / "infrastructure" / "modules" / "catalog" / "queries"
"""Terraform saves the same queries in Athena."""

MOST_ROWS: Final = 10_000
MOST_SECONDS: Final = 30


class QueryRefused(UsageError):
    """A query is not run, or came to no end; the message says why."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask; where the text has two question marks, they stand for first and last day."""

    text: str
    first: date
    last: date

    @property
    def days(self) -> list[str]:
        """The two days as the tables have them."""
        return [self.first.isoformat(), self.last.isoformat()]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The first rows of a result; `is_cut` says that there were more."""

    rows: pd.DataFrame
    is_cut: bool
    seconds: float


class Engine(Protocol):
    """Something that runs SQL over `scored` and `events`."""

    name: str

    def run(self, query: Query, tick: Callable[[], None] = lambda: None) -> QueryResult:
        """Run a query.

        Parameters
        ----------
        query
            What to ask.
        tick
            Called about once a second while it runs; whatever it raises ends the query.

        Raises
        ------
        QueryRefused
            If it is no query, or breaks a limit.
        ServiceUnavailable
            If the data can't be reached.
        """


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query that comes with the platform: its first line says what it gives."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """What it gives, in words."""
        return self.text.splitlines()[0].lstrip("- ").split(". Give the first")[0]


def saved_queries(folder: Path = SAVED) -> list[SavedQuery]:
    """The saved queries, by name."""
    return [SavedQuery(each.stem, each.read_text()) for each in sorted(folder.glob("*.sql"))]


def unrepeated(names: Iterable[str]) -> list[str]:
    """Names of columns, each of them once.

    >>> unrepeated(["well", "well"])
    ['well', 'well (2)']
    """
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        ways = (name, *(f"{name} ({number})" for number in range(2, len(found) + 2)))
        found.append(next(way for way in ways if way not in taken))
        taken.add(found[-1])
    return found


def check_placeholders(number: int) -> None:
    """Make sure that a query has both question marks or none.

    Raises
    ------
    QueryRefused
        If it has another number of them.
    """
    fault = placeholder_fault(number)
    if fault:
        raise QueryRefused(fault)
