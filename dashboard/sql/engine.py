"""SQL over the curated data: what an engine is asked, and what it answers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

import pandas as pd

from petrostream.errors import UsageError
from petrostream.settings import PROJECT_ROOT

SAVED: Final = PROJECT_ROOT / "infrastructure" / "modules" / "catalog" / "queries"
"""Terraform saves the same queries in Athena."""

MOST_ROWS: Final = 10_000
MOST_SECONDS: Final = 30
PLACEHOLDERS: Final = 2


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

    def run(self, query: Query) -> QueryResult:
        """Run a query.

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
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def check_placeholders(number: int) -> None:
    """Make sure that a query has both question marks or none.

    Raises
    ------
    QueryRefused
        If it has another number of them.
    """
    if number not in {0, PLACEHOLDERS}:
        raise QueryRefused(
            f"The query has {number} question marks. Two stand for the first and the last day; "
            "write other values into the query."
        )
