"""What is known of the scored batches at one moment, as arrays: a row a batch, no reading."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from petrostream import summaries
from petrostream.columns import RECORDING, WELL
from petrostream.detector import Status
from petrostream.errors import PermanentError
from petrostream.keys import NAME_PATTERN, SUMMARIES, BatchId
from petrostream.scoring import Counts
from petrostream.sensors import SENSOR_NAMES

FIRST: Final = "first"
LAST: Final = "last"
MODIFIED: Final = "modified"
COUNTS: Final = ("commissioning", "scored", "unscorable", "anomalies")
_PARTS: Final = 6


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
    """Numbers for the names of wells and recordings, so that arrays hold them."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The number of a name, a new one where it was not seen before."""
        return self.numbers.setdefault(name, len(self.numbers))

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


def parse(listed: Sequence[ListedKey], wells: Names, recordings: Names) -> np.ndarray:
    """Read batches from the keys of their summaries; keys that are no summaries are left out."""
    parts = [each.key.removesuffix(".json").split("/") for each in listed]
    seconds = [_second(each) for each in parts]
    good = [place for place, second in enumerate(seconds) if second]
    try:
        figures = summaries.decode([parts[place][-1] for place in good])
    except PermanentError:
        good = [place for place in good if _is_readable(parts[place][-1])]
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


def _is_readable(text: str) -> bool:
    try:
        summaries.decode([text])
    except PermanentError:
        return False
    return True


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


@dataclass(frozen=True)
class Snapshot:
    """What was in the curated bucket at one moment (`taken`, UTC without a zone).

    `batches` is a `BATCH` array in the order of wells, then time; `pending` tells how many
    dates are still to be read, of how many.
    """

    taken: datetime
    batches: np.ndarray
    wells: tuple[str, ...]
    recordings: tuple[str, ...]
    pending: tuple[int, int] = (0, 0)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a batch: well, recording, times, counts, worst score, how it ended, model.

        `last_alarm` is NaT and `worst` NaN where there is none. Rows are in the order of
        `batches`.
        """
        figures, second = self.batches["figures"], self.batches["second"]
        sensors = np.array([*SENSOR_NAMES, *[""] * (summaries.NO_SENSOR + 1 - len(SENSOR_NAMES))])
        statuses = np.array([str(status) for status in Status], dtype=object)
        counts = {name: figures[name].astype(np.int64) for name in COUNTS}
        return pd.DataFrame(
            {
                WELL: pd.Categorical.from_codes(self.batches["well"], list(self.wells)),
                RECORDING: pd.Categorical.from_codes(
                    self.batches["recording"], list(self.recordings)
                ),
                FIRST: second,
                LAST: _after(second, figures["span_ms"]),
                MODIFIED: self.batches["modified"],
                **counts,
                "rows": counts["commissioning"] + counts["scored"] + counts["unscorable"],
                "worst": figures["worst"].astype(float),
                "worst_at": _after(second, figures["worst_ms"]),
                "alarms": figures["alarms"].astype(np.int64),
                "last_alarm": _after(second, figures["last_alarm_ms"]),
                "ended": statuses[figures["ended"]],
                "top_sensor": sensors[figures["top_sensor"]],
                "model": _hexadecimal(figures["model"]),
            }
        )

    def take_over(self, earlier: "Snapshot") -> None:
        """Where nothing has changed since an earlier snapshot, take over what that one made."""
        if self.batches.tobytes() == earlier.batches.tobytes():
            made = {"table", "objects"} & vars(earlier).keys()
            vars(self).update({name: vars(earlier)[name] for name in made})

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been scored, as far as was read."""
        return not len(self.batches)

    def sensors(self, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Packed sensor figures of some batches (`petrostream.summaries`): (batches, sensors)."""
        return self.batches["figures"]["sensors"][places]

    def lines(self, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Score lines of some batches, NaN where nothing was scored: (batches, LINE_POINTS)."""
        return summaries.score_of(self.batches["figures"]["line"][places])

    @cached_property
    def objects(self) -> tuple[ScoredObject, ...]:
        """Every scored object, in the order of `batches`; made on demand, for they take memory."""
        return tuple(self.chosen(slice(None)))

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
        """Key of a batch's summary."""
        row = self.batches[place]
        batch = BatchId(
            self.wells[row["well"]], self.recordings[row["recording"]], row["second"].item()
        )
        return batch.summary(summaries.encode(row["figures"]))

    def of_well(self, well: str) -> slice:
        """The places of a well's batches, which stand together."""
        if well not in self.wells:
            return slice(0, 0)
        number = self.wells.index(well)
        found = np.searchsorted(self.batches["well"], [number, number + 1])
        return slice(int(found[0]), int(found[1]))


def _after(second: np.ndarray, milliseconds: np.ndarray) -> np.ndarray:
    times = second + milliseconds.astype("m8[ms]").astype("m8[us]")
    times[milliseconds == summaries.NEVER] = np.datetime64("NaT")
    return times


def _hexadecimal(models: np.ndarray) -> pd.Categorical:
    kinds, codes = np.unique(np.ascontiguousarray(models).view(">u4"), return_inverse=True)
    return pd.Categorical.from_codes(codes, [f"{kind:08x}" for kind in kinds])


EMPTY: Final = np.zeros(0, dtype=BATCH)
