"""What is known of the scored batches at one moment, as arrays: one row per batch, no reading."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from dashboard.curated.batches import by_well, summary_key
from petrostream.detection.detector import Status
from petrostream.schema.columns import RECORDING, WELL
from petrostream.schema.keys import BatchId
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import Counts

FIRST: Final = "first"
LAST: Final = "last"
MODIFIED: Final = "modified"
COUNTS: Final = ("commissioning", "scored", "unscorable", "anomalies")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ScoredObject:
    """One scored batch; times are UTC without a zone.

    `first` and `last` are its rows' first second and last time stamp, `modified` is when it was
    scored, which also tells one version of the object from another.
    """

    batch: BatchId
    modified: datetime
    counts: Counts
    first: datetime
    last: datetime

    @property
    def key(self) -> str:
        """Key in the curated bucket."""
        return self.batch.scored

    @property
    def etag(self) -> str:
        """What tells one version of the object from another."""
        return self.modified.isoformat()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was in the curated bucket at one moment (`taken`, UTC without a zone).

    `parts` are `BATCH` arrays, each of a time after the one before it and in the order of time
    for every well; later snapshots share those that did not change. Their numbers stand for
    `names_of_wells` and `names_of_recordings`. `pending` tells how many dates are still to be
    read, of how many; `unchecked` how many are as an earlier dashboard has listed them. `made`
    holds what was made of the parts so far.
    """

    taken: datetime
    parts: tuple[np.ndarray, ...]
    names_of_wells: tuple[str, ...]
    names_of_recordings: tuple[str, ...]
    pending: tuple[int, int] = (0, 0)
    unchecked: int = 0
    made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, name: Hashable, make: Callable[[], _Result]) -> _Result:
        """What was made of these batches under a name already, else make it; for all visitors."""
        found: _Result | None = self.made.get(name)
        if found is None:
            found = self.made[name] = make()
        return found

    def let_go(self) -> None:
        """Forget what was made of the batches: it is made again where it is wanted."""
        self.made.clear()

    @property
    def wells(self) -> tuple[str, ...]:
        """The wells' names, in order."""
        return self.once("wells", lambda: tuple(sorted(self.names_of_wells)))

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recordings' names, in order."""
        return self.once("recordings", lambda: tuple(sorted(self.names_of_recordings)))

    @property
    def batches(self) -> np.ndarray:
        """A `BATCH` array in the order of wells, then time; numbers are places among the names."""
        return self.once(
            "batches",
            lambda: by_well(
                self.parts,
                _places(self.names_of_wells, self.wells),
                _places(self.names_of_recordings, self.recordings),
            ),
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per batch: well, recording, times, counts, worst score, how it ended.

        `last_alarm` is NaT and `worst` NaN where there is none. Rows are in the order of
        `batches`.
        """
        return self.once("table", self._table)

    def _table(self) -> pd.DataFrame:
        batches = self.batches
        figures, second = batches["figures"], batches["second"]
        sensors = [*SENSOR_NAMES, ""]
        top = np.minimum(figures["top_sensor"], len(SENSOR_NAMES))
        counts = {name: figures[name].astype(np.int64) for name in COUNTS}
        return pd.DataFrame(
            {
                WELL: _named(batches["well"], self.wells),
                RECORDING: _named(batches["recording"], self.recordings),
                FIRST: second,
                LAST: _after(second, figures["span_ms"]),
                MODIFIED: batches["modified"],
                **counts,
                "rows": counts["commissioning"] + counts["scored"] + counts["unscorable"],
                "worst": figures["worst"].copy(),
                "alarms": figures["alarms"].astype(np.int64),
                "last_alarm": _after(second, figures["last_alarm_ms"]),
                "ended": _named(figures["ended"].astype("i1"), [str(each) for each in Status]),
                "top_sensor": _named(top.astype("i2"), sensors),
            },
            copy=False,
        )

    def has_the_batches_of(self, other: "Snapshot") -> bool:
        """Whether it shares all parts of another snapshot."""
        return (
            len(self.parts) == len(other.parts)
            and all(mine is its for mine, its in zip(self.parts, other.parts, strict=True))
            and self.names_of_wells == other.names_of_wells
            and self.names_of_recordings == other.names_of_recordings
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been scored, as far as was read."""
        return not any(map(len, self.parts))

    def sensors(self, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Sensors' figures as `petrostream.scoring.summaries` packs them: (batches, sensors)."""
        return self.batches["figures"]["sensors"][places]

    def lines(self, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Score lines of some batches, NaN where nothing was scored: (batches, LINE_POINTS)."""
        return summaries.score_of(self.batches["figures"]["line"][places])

    def chosen(self, places: np.ndarray | slice) -> list[ScoredObject]:
        """Name the scored objects of some rows of `table`."""
        wells, recordings, batches = self.wells, self.recordings, self.batches[places]
        figures, second = batches["figures"], batches["second"]
        columns = (
            *(batches["well"], batches["recording"], batches["modified"]),
            *(second, _after(second, figures["span_ms"])),
            *(figures[name] for name in COUNTS),
        )
        return [
            ScoredObject(
                batch=BatchId(wells[well], recordings[recording], first),
                modified=modified,
                counts=Counts(*counts),
                first=first,
                last=last,
            )
            for well, recording, modified, first, last, *counts in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def summary_key(self, place: int) -> str:
        """Key of a batch's summary; empty where that is a later version's."""
        return summary_key(self.batches[place], self.wells, self.recordings)

    def holds(self, batch: BatchId) -> bool:
        """Whether a batch is among these."""
        of_well = self.batches[self.of_well(batch.well)]
        same = of_well[of_well["second"] == np.datetime64(batch.first_second, "us")]
        return batch.recording in [self.recordings[number] for number in same["recording"]]

    def of_well(self, well: str) -> slice:
        """The places of a well's batches, which stand together."""
        if well not in self.wells:
            return slice(0, 0)
        number = self.wells.index(well)
        begins = self.once("begins", self._begins)
        return slice(int(begins[number]), int(begins[number + 1]))

    def _begins(self) -> np.ndarray:
        """Where each well's batches begin, and where all end."""
        numbers = np.ascontiguousarray(self.batches["well"])
        return np.searchsorted(numbers, np.arange(len(self.wells) + 1))


def _named(codes: np.ndarray, names: Sequence[str]) -> "pd.Categorical[str]":
    """A column of names, from their places."""
    return pd.Categorical.from_codes(codes, pd.Index(list(names)))


def _after(second: np.ndarray, milliseconds: np.ndarray) -> np.ndarray:
    times = second + milliseconds.astype("m8[ms]").astype("m8[us]")
    times[milliseconds == summaries.NEVER] = np.datetime64("NaT")
    return times


def _places(names: Sequence[str], ordered: Sequence[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(ordered)}
    return np.array([place[name] for name in names], dtype="<i4")
