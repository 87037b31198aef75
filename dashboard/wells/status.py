"""How each well is, and the figures over all wells, from the summaries alone."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from dashboard.curated.snapshot import COUNTS, FIRST, LAST, MODIFIED, Snapshot
from petrostream.detection.degraded import STATES, without_resting_valves
from petrostream.detection.detector import Status
from petrostream.detection.parameters import DetectorSettings
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries

ALARM_SECONDS: Final = DetectorSettings().merge_gap_seconds
"""A well is in alarm while its newest row in alarm is at most this long before its newest reading:
the quiet time after which the pipeline takes an event as over."""

SILENT_AFTER: Final = timedelta(minutes=30)
"""A well is silent when nothing of it was scored for so long while other wells were."""


class WellState(StrEnum):
    """How a well is, the worst first."""

    ALARM = "alarm now"
    SILENT = "silent"
    UNSCORABLE = "not scorable"
    DEGRADED = "degraded sensors"
    HAD_ALARMS = "had alarms"
    COMMISSIONING = "commissioning"
    NORMAL = "normal"


SEVERITY: Final = {state: rank for rank, state in enumerate(WellState)}


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures over batches; `rate` is the share of scored readings that are anomalies."""

    readings: int
    scored: int
    anomalies: int

    @property
    def rate(self) -> float | None:
        """`None` where nothing was scored."""
        return self.anomalies / self.scored if self.scored else None


@dataclass(frozen=True, slots=True)
class WellStatus:
    """One well as it is now; `totals` and `before` are of its newest time and of the same before.

    `since` is when the state began, as far as batches tell; `top_sensor` was furthest off in
    most of the newest anomalies; `degraded` has the sensors that gave readings in this recording
    and can't be scored at the newest reading, and why. `places` are its batches of the newest
    time in the snapshot. Times are UTC without a zone.
    """

    name: str
    state: WellState
    since: datetime
    newest: datetime
    recording: str
    totals: Totals
    before: Totals
    top_sensor: str
    degraded: dict[str, str]
    places: slice


def wells_of(snapshot: Snapshot, span: timedelta | None) -> list[WellStatus]:
    """Describe every well over its newest `span` (`None`: all there is), the worst first."""
    return snapshot.once(("wells", span), lambda: _wells(snapshot, span))


def _wells(snapshot: Snapshot, span: timedelta | None) -> list[WellStatus]:
    batches = snapshot.once("columns", lambda: _Batches.of(snapshot))
    newest_written = batches.modified.max()
    found = [
        _well(snapshot, batches, name, span, newest_written)
        for name in snapshot.wells
        if snapshot.of_well(name).stop > snapshot.of_well(name).start
    ]
    return sorted(found, key=lambda well: (SEVERITY[well.state], -well.totals.anomalies, well.name))


@dataclass(frozen=True, slots=True)
class _Batches:
    """Columns of batches, an element a batch; times are datetime64."""

    first: np.ndarray
    last: np.ndarray
    modified: np.ndarray
    last_alarm: np.ndarray
    figures: np.ndarray
    recording: np.ndarray

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Batches":
        table, batches = snapshot.table, snapshot.batches
        return cls(
            first=table[FIRST].to_numpy(),
            last=table[LAST].to_numpy(),
            modified=table[MODIFIED].to_numpy(),
            last_alarm=table["last_alarm"].to_numpy(),
            figures=batches["figures"],
            recording=batches["recording"],
        )

    def __getitem__(self, places: slice) -> "_Batches":
        return _Batches(*(getattr(self, each.name)[places] for each in fields(self)))

    def __len__(self) -> int:
        return len(self.first)

    @property
    def totals(self) -> Totals:
        counts = {name: int(self.figures[name].sum(dtype=np.int64)) for name in COUNTS}
        readings = counts["commissioning"] + counts["scored"] + counts["unscorable"]
        return Totals(readings, counts["scored"], counts["anomalies"])


def _well(
    snapshot: Snapshot,
    batches: _Batches,
    name: str,
    span: timedelta | None,
    newest_written: np.datetime64,
) -> WellStatus:
    whole = snapshot.of_well(name)
    mine = batches[whole]
    newest = int(np.argmax(mine.last))
    begin = mine.last[newest] - np.timedelta64(span) if span else mine.first.min()
    start = min(int(np.searchsorted(mine.first, begin)), len(mine) - 1)
    earlier = int(np.searchsorted(mine.first, begin - np.timedelta64(span))) if span else start
    recent = mine[start:]
    degraded = _degraded(mine, newest)
    state = _state(mine, newest, recent, degraded, newest_written)
    flagged = recent.figures["top_sensor"][recent.figures["anomalies"] > 0]
    return WellStatus(
        name=name,
        state=state,
        since=_since(state, mine, newest).item(),
        newest=mine.last[newest].item(),
        recording=snapshot.recordings[mine.recording[newest]],
        totals=recent.totals,
        before=mine[earlier:start].totals,
        top_sensor=_sensor(flagged[-1]) if len(flagged) else "",
        degraded=degraded,
        places=slice(whole.start + start, whole.stop),
    )


def _sensor(place: int) -> str:
    return SENSOR_NAMES[place] if place < len(SENSOR_NAMES) else ""


def _state(
    mine: _Batches,
    newest: int,
    recent: _Batches,
    degraded: dict[str, str],
    newest_written: np.datetime64,
) -> WellState:
    """The first, that is the worst, of the states that hold."""
    alarms = recent.last_alarm[~np.isnat(recent.last_alarm)]
    ended = summaries.STATUSES[mine.figures["ended"][newest]]
    quiet = mine.last[newest] - alarms.max() if len(alarms) else None
    holds = {
        WellState.ALARM: quiet is not None and quiet <= np.timedelta64(ALARM_SECONDS, "s"),
        WellState.SILENT: newest_written - mine.modified[newest] > np.timedelta64(SILENT_AFTER),
        WellState.UNSCORABLE: ended is Status.UNSCORABLE,
        WellState.DEGRADED: bool(degraded),
        WellState.HAD_ALARMS: recent.figures["alarms"].any(),
        WellState.COMMISSIONING: ended is Status.COMMISSIONING,
    }
    return next((state for state in SEVERITY if holds.get(state)), WellState.NORMAL)


def _since(state: WellState, mine: _Batches, newest: int) -> "np.datetime64[datetime]":
    """When a state began, to a batch; the newest row in alarm where there were some before."""
    if state is WellState.SILENT:
        return mine.last[newest]
    if state is WellState.HAD_ALARMS:
        return np.nanmax(mine.last_alarm)
    if state is WellState.ALARM:
        like = mine.figures["alarms"] > 0
    elif state is WellState.UNSCORABLE:
        like = mine.figures["ended"] == summaries.STATUSES.index(Status.UNSCORABLE)
    else:
        like = mine.recording == mine.recording[newest]
    others = np.flatnonzero(~like)
    first = int(others[-1]) + 1 if len(others) else 0
    return mine.first[min(first, len(mine) - 1)]


def _degraded(mine: _Batches, newest: int) -> dict[str, str]:
    """The sensors that were fine in some batch of the newest recording and are not at its end."""
    last = summaries.last_state(mine.figures["sensors"][newest])
    wrong = np.flatnonzero(last)
    same = mine.recording == mine.recording[newest]
    states = summaries.last_state(mine.figures["sensors"][:, wrong][same])
    was_fine = (states == 0).any(axis=0)
    return without_resting_valves(
        {SENSOR_NAMES[place]: STATES[last[place]] for place in wrong[was_fine].tolist()}
    )


def added(totals: Sequence[Totals]) -> Totals:
    """Add totals up."""
    return Totals(
        readings=sum(each.readings for each in totals),
        scored=sum(each.scored for each in totals),
        anomalies=sum(each.anomalies for each in totals),
    )
