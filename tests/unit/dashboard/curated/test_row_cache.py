"""Rows of a well are read once, and nobody waits for what somebody else reads."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import pandas as pd
import pytest

from dashboard.curated import row_cache
from dashboard.curated.row_cache import WellRows

START = datetime(2026, 11, 21)
EMPTY = pd.DataFrame({"timestamp": pd.Series(dtype="datetime64[us]"), "recording": []})


class Objects:
    """Objects of one row each, named by its hour; `slow` ones are read once they `may_go_on`."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.slow: set[str] = set()
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, keys: Sequence[str]) -> pd.DataFrame:
        self.read += keys
        if self.slow & set(keys):
            self.begun.set()
            assert self.may_go_on.wait(60)
        times = [START + timedelta(hours=int(key)) for key in keys]
        return pd.DataFrame({"timestamp": pd.to_datetime(times), "recording": "WELL-1_1"})


def hours(first: int, end: int) -> dict[str, datetime]:
    return {str(hour): START for hour in range(first, end)}


def shown(table: pd.DataFrame) -> list[int]:
    return table["timestamp"].dt.hour.tolist()


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def rows(objects: Objects) -> WellRows:
    return WellRows(EMPTY, objects)


def in_the_background(rows: WellRows, objects: Objects, wanted: dict) -> Future[pd.DataFrame]:
    objects.slow = set(wanted)
    future = ThreadPoolExecutor(1).submit(rows.of, "WELL-1", wanted)
    assert objects.begun.wait(60)
    objects.slow = set()
    return future


def test_only_what_is_new_is_read(rows: WellRows, objects: Objects) -> None:
    rows.of("WELL-1", hours(3, 5))
    assert shown(rows.of("WELL-1", hours(2, 6))) == [2, 3, 4, 5]
    assert objects.read == ["3", "4", "2", "5"]


def test_what_is_known_is_shown_while_more_of_the_well_is_read(
    rows: WellRows, objects: Objects
) -> None:
    rows.of("WELL-1", hours(8, 9))
    future = in_the_background(rows, objects, hours(0, 9))
    assert shown(rows.of("WELL-1", hours(8, 9))) == [8]
    assert shown(rows.of("WELL-1", hours(8, 10))) == [8, 9], "what is new does not wait either"
    assert shown(rows.of("WELL-2", hours(0, 1))) == [0]
    assert not future.done()
    objects.may_go_on.set()
    assert shown(future.result(60)) == list(range(10))
    objects.read.clear()
    assert shown(rows.of("WELL-1", hours(0, 10))) == list(range(10))
    assert objects.read == []


def test_who_lacks_the_same_waits_and_reads_nothing_twice(rows: WellRows, objects: Objects) -> None:
    future = in_the_background(rows, objects, hours(0, 3))
    other = ThreadPoolExecutor(1).submit(rows.of, "WELL-1", hours(0, 3))
    objects.may_go_on.set()
    assert shown(future.result(60)) == shown(other.result(60)) == [0, 1, 2]
    assert objects.read == ["0", "1", "2"]


def test_where_an_object_is_another_one_the_well_is_read_anew(
    rows: WellRows, objects: Objects
) -> None:
    rows.of("WELL-1", hours(0, 3))
    objects.read.clear()
    later = hours(0, 3) | {"1": START + timedelta(seconds=5)}
    assert shown(rows.of("WELL-1", later)) == [0, 1, 2]
    assert objects.read == ["0", "1", "2"]


def test_what_is_remembered_is_bounded(
    rows: WellRows, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_cache, "_MOST_ROWS", 3)
    monkeypatch.setattr(row_cache, "_WELLS_KEPT", 2)
    rows.of("WELL-1", hours(0, 4))
    rows.of("WELL-1", hours(0, 4))
    assert objects.read == ["0", "1", "2", "3"], "what is there is not read with every look"
    assert shown(rows.of("WELL-1", hours(3, 5))) == [3, 4]
    for well in ("WELL-2", "WELL-3"):
        rows.of(well, hours(0, 1))
    assert list(rows._wells) == ["WELL-2", "WELL-3"]
