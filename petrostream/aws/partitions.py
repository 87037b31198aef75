"""Partitions of the SQL tables: what tells Athena which wells there are, and which days of each.

A table in Glue has no list of its own of what stands in the bucket: what has no partition is
missing from every query, without a word.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import explained
from petrostream.errors import ServiceUnavailable

TABLES: Final = ("scored", "events")
_MOST_AT_ONCE: Final = 100
_MOST_KEPT_IN_MIND: Final = 10_000
_IS_THERE: Final = "AlreadyExistsException"

WellDay = tuple[str, str]
"""A well and a day (yyyy-mm-dd), as keys name them."""


class Partitions:
    """The partitions of the tables in a Glue database; kept in mind between calls.

    Parameters
    ----------
    database
        The Glue database; where it is empty there are no SQL tables, and nothing is done.
    """

    def __init__(self, database: str, client: Any = None) -> None:
        self._database = database
        self._given = client
        self._announced: set[WellDay] = set()

    def announce(self, well: str, day: str) -> None:
        """Have SQL find a well's day, if it does not yet.

        Raises
        ------
        ServiceUnavailable
            If Glue does not do its part; it can be tried again.
        """
        if not self._database or (well, day) in self._announced:
            return
        self.announce_all([(well, day)])
        if len(self._announced) >= _MOST_KEPT_IN_MIND:
            self._announced.clear()
        self._announced.add((well, day))

    def announce_all(self, days: Iterable[WellDay]) -> int:
        """Have SQL find many days of wells; tell how many partitions are new.

        Raises
        ------
        ServiceUnavailable
            If Glue does not do its part; it can be tried again.
        """
        listed, made = list(days), 0
        for table in TABLES:
            with explained(f"announcing wells to the SQL table {self._database}.{table}"):
                made += self._announce_to(table, listed)
        return made

    def _announce_to(self, table: str, days: list[WellDay]) -> int:
        glue = self._given = self._given or clients.glue()
        found = glue.get_table(DatabaseName=self._database, Name=table)["Table"]
        made = 0
        for some in _batched(days):
            answer = glue.batch_create_partition(
                DatabaseName=self._database,
                TableName=table,
                PartitionInputList=[_partition(found["StorageDescriptor"], day) for day in some],
            )
            refused = answer.get("Errors", [])
            for one in refused:
                _check_is_there(one, table)
            made += len(some) - len(refused)
        return made


def stored_days(bucket: Bucket, prefix: str) -> Iterator[WellDay]:
    """Every well and day that has objects under `prefix`, from the names of folders alone."""
    for well in bucket.folders(prefix):
        for day in bucket.folders(well):
            yield _value_in(well), _value_in(day)


def _value_in(folder: str) -> str:
    return folder.rstrip("/").rpartition("=")[2]


def _batched(days: list[WellDay]) -> Iterator[list[WellDay]]:
    for start in range(0, len(days), _MOST_AT_ONCE):
        yield days[start : start + _MOST_AT_ONCE]


def _partition(table: dict[str, Any], day: WellDay) -> dict[str, Any]:
    location = f"{table['Location']}well={day[0]}/date={day[1]}/"
    return {"Values": list(day), "StorageDescriptor": {**table, "Location": location}}


def _check_is_there(refused: dict[str, Any], table: str) -> None:
    detail = refused.get("ErrorDetail", {})
    if detail.get("ErrorCode") != _IS_THERE:
        raise ServiceUnavailable(
            f"announcing {'/'.join(refused.get('PartitionValues', []))} to the SQL table {table}: "
            f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
        )
