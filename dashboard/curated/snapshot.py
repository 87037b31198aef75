"""What is known of the scored batches at one moment, as arrays: a row a batch, no reading."""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from petrostream.detection.detector import Status
from petrostream.errors import PermanentError
from petrostream.schema.columns import RECORDING, WELL
from petrostream.schema.keys import NAME_PATTERN, SUMMARIES, BatchId
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import Counts

FIRST: Final = "first"
LAST: Final = "last"
MODIFIED: Final = "modified"
COUNTS: Final = ("commissioning", "scored", "unscorable", "anomalies")
_PARTS: Final = 6
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


@dataclass(frozen=True, slots=True)
class Names:
    """Numbers for the names of wells and recordings, so that arrays hold them.

    Safe to share between threads.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, name: str) -> int:
        """The number of a name, a new one where it was not seen before."""
        if name not in self.numbers:
            with self.lock:
                self.numbers.setdefault(name, len(self.numbers))
        return self.numbers[name]

    @property
    def known(self) -> list[str]:
        """The names, by number."""
        return list(self.numbers)


BATCH: Final = np.dtype(
    [
        ("well", "<i4"),
        ("recording", "<i4"),
        ("second", "<M8[us]"),
        ("modified", "<M8[us]"),
        ("figures", summaries.FIGURES),
    ]
)
"""A batch as the listing of its summary describes it."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as S3 lists it; `modified` is UTC without a zone."""

    key: str
    modified: datetime


def parse(
    listed: Sequence[ListedKey],
    wells: Names,
    recordings: Names,
    on_refused: Callable[[str, str], None] = lambda _key, _reason: None,
) -> np.ndarray:
    """Read batches from the keys of their summaries; keys that are no summaries are left out.

    `on_refused` is told the keys of summaries that can't be read, and why.
    """
    parts = [each.key.removesuffix(".json").split("/") for each in listed]
    seconds = [_second(each) for each in parts]
    good = [place for place, second in enumerate(seconds) if second]
    try:
        figures = summaries.decode([parts[place][-1] for place in good])
    except PermanentError:
        faults = {place: summaries.fault_of(parts[place][-1]) for place in good}
        for place, fault in faults.items():
            if fault:
                on_refused(listed[place].key, fault)
        good = [place for place in good if not faults[place]]
        figures = summaries.decode([parts[place][-1] for place in good])
    batches = np.zeros(len(good), dtype=BATCH)
    batches["well"] = [wells.number(parts[place][3]) for place in good]
    batches["recording"] = [recordings.number(parts[place][4]) for place in good]
    batches["second"] = [np.datetime64(seconds[place], "us") for place in good]
    batches["modified"] = [np.datetime64(listed[place].modified, "us") for place in good]
    batches["figures"] = figures
    return batches


def _second(parts: Sequence[str]) -> str:
    """The first second as ISO text; empty where the key does not follow the layout."""
    if len(parts) != _PARTS or not parts[1].startswith("date=") or f"{parts[0]}/" != SUMMARIES:
        return ""
    if NAME_PATTERN.fullmatch(parts[3]) is None or NAME_PATTERN.fullmatch(parts[4]) is None:
        return ""
    date, time = parts[1].removeprefix("date="), parts[2]
    text = f"{date}T{time[:2]}:{time[2:4]}:{time[4:]}"
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return ""
    return text


def newest_versions(batches: np.ndarray) -> np.ndarray:
    """Batches by well, then time; of several summaries of one batch the one written last.

    A batch that another model scored anew has another key, and the old one stays.
    """
    order = np.lexsort(
        (batches["modified"], batches["recording"], batches["second"], batches["well"])
    )
    ordered = batches[order]
    same = np.ones(len(ordered), dtype=bool)
    for name in ("well", "second", "recording"):
        same[:-1] &= ordered[name][:-1] == ordered[name][1:]
    same[-1:] = False
    return ordered[~same]


def by_well(parts: Sequence[np.ndarray], wells: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Put parts together by well; within a well the order stays.

    `wells` and `recordings` have the place of each number that stands in the parts.
    """
    places = wells[np.concatenate([EMPTY["well"], *(part["well"] for part in parts)])]
    order = np.argsort(places.astype("u4"), kind="stable")
    target = np.empty_like(order)
    target[order] = np.arange(len(order))
    together = np.empty(len(order), dtype=BATCH)
    begin = 0
    for part in parts:
        together[target[begin : begin + len(part)]] = part
        begin += len(part)
    together["well"] = places[order]
    together["recording"] = recordings[together["recording"]]
    return together


def numbered(
    batches: np.ndarray, old: tuple[Sequence[str], Sequence[str]], new: tuple[Names, Names]
) -> np.ndarray:
    """A copy of batches with the numbers that other wells' and recordings' names have elsewhere."""
    copied = batches.copy()
    for column, names, numbers in zip(("well", "recording"), old, new, strict=True):
        table = np.array([numbers.number(name) for name in names], dtype="<i4")
        copied[column] = table[batches[column]]
    return copied


def summary_key(batch: np.void, wells: Sequence[str], recordings: Sequence[str]) -> str:
    """Key of the summary of one element of a `BATCH` array.

    Empty where a later version of PetroStream wrote it, with sensors that this one leaves out.
    """
    if not summaries.is_whole(batch["figures"]):
        return ""
    known = BatchId(wells[batch["well"]], recordings[batch["recording"]], batch["second"].item())
    return known.summary(summaries.encode(batch["figures"]))


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
        """A row a batch: well, recording, times, counts, worst score, how it ended.

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
                WELL: pd.Categorical.from_codes(batches["well"], list(self.wells)),
                RECORDING: pd.Categorical.from_codes(batches["recording"], list(self.recordings)),
                FIRST: second,
                LAST: _after(second, figures["span_ms"]),
                MODIFIED: batches["modified"],
                **counts,
                "rows": counts["commissioning"] + counts["scored"] + counts["unscorable"],
                "worst": figures["worst"].copy(),
                "alarms": figures["alarms"].astype(np.int64),
                "last_alarm": _after(second, figures["last_alarm_ms"]),
                "ended": pd.Categorical.from_codes(
                    figures["ended"].astype("i1"), [str(status) for status in Status]
                ),
                "top_sensor": pd.Categorical.from_codes(top.astype("i2"), sensors),
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
        return [
            ScoredObject(
                batch=BatchId(row.well, row.recording, row.first.to_pydatetime()),
                modified=row.modified.to_pydatetime(),
                counts=Counts(row.commissioning, row.scored, row.unscorable, row.anomalies),
                first=row.first.to_pydatetime(),
                last=row.last.to_pydatetime(),
            )
            for row in self.table.iloc[places].itertuples(index=False)
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


def _after(second: np.ndarray, milliseconds: np.ndarray) -> np.ndarray:
    times = second + milliseconds.astype("m8[ms]").astype("m8[us]")
    times[milliseconds == summaries.NEVER] = np.datetime64("NaT")
    return times


def _places(names: Sequence[str], ordered: Sequence[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(ordered)}
    return np.array([place[name] for name in names], dtype="<i4")


EMPTY: Final = np.zeros(0, dtype=BATCH)
