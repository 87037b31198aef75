"""How each well is, and the figures over all wells, from the summaries alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from dashboard.snapshot import FIRST, LAST, MODIFIED, Snapshot
from petrostream import summaries
from petrostream.columns import RECORDING
from petrostream.detector import Status
from petrostream.profiles import SensorState
from petrostream.sensors import BY_NAME, SENSOR_NAMES, Kind
from petrostream.tuning import DetectorSettings

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

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Totals":
        """Add up rows of a snapshot's table."""
        return cls(*(int(table[name].sum()) for name in ("rows", "scored", "anomalies")))


@dataclass(frozen=True, slots=True)
class Well:
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


def wells_of(snapshot: Snapshot, span: timedelta | None) -> list[Well]:
    """Describe every well over its newest `span` (`None`: all there is), the worst first."""
    newest_written = snapshot.table[MODIFIED].max()
    found = [
        _well(snapshot, name, span, newest_written)
        for name in snapshot.wells
        if snapshot.of_well(name).stop > snapshot.of_well(name).start
    ]
    return sorted(found, key=lambda well: (SEVERITY[well.state], -well.totals.anomalies, well.name))


def _well(
    snapshot: Snapshot, name: str, span: timedelta | None, newest_written: pd.Timestamp
) -> Well:
    whole = snapshot.of_well(name)
    table = snapshot.table.iloc[whole]
    newest_place = int(np.argmax(table[LAST].to_numpy()))
    newest = table.iloc[newest_place]
    firsts = table[FIRST].to_numpy()
    begin = newest[LAST] - span if span else table[FIRST].min()
    start = int(np.searchsorted(firsts, np.datetime64(begin)))
    start = min(start, len(table) - 1)
    earlier = int(np.searchsorted(firsts, np.datetime64(begin - span))) if span else start
    recent = table.iloc[start:]
    degraded = _degraded(snapshot, whole, newest_place)
    state = _state(newest, recent, degraded, newest_written)
    flagged = recent.loc[recent["anomalies"] > 0, "top_sensor"]
    return Well(
        name=name,
        state=state,
        since=_since(state, newest, table),
        newest=newest[LAST].to_pydatetime(),
        recording=str(newest[RECORDING]),
        totals=Totals.of(recent),
        before=Totals.of(table.iloc[earlier:start]),
        top_sensor=str(flagged.iloc[-1]) if len(flagged) else "",
        degraded=degraded,
        places=slice(whole.start + start, whole.stop),
    )


def _state(
    newest: pd.Series, recent: pd.DataFrame, degraded: dict[str, str], newest_written: pd.Timestamp
) -> WellState:
    """The first, that is the worst, of the states that hold."""
    quiet = newest[LAST] - recent["last_alarm"].max()
    holds = {
        WellState.ALARM: quiet <= timedelta(seconds=ALARM_SECONDS),
        WellState.SILENT: newest_written - newest[MODIFIED] > SILENT_AFTER,
        WellState.UNSCORABLE: newest["ended"] == Status.UNSCORABLE,
        WellState.DEGRADED: bool(degraded),
        WellState.HAD_ALARMS: recent["alarms"].any(),
        WellState.COMMISSIONING: newest["ended"] == Status.COMMISSIONING,
    }
    return next((state for state in SEVERITY if holds.get(state)), WellState.NORMAL)


def _since(state: WellState, newest: pd.Series, table: pd.DataFrame) -> datetime:
    """When a state began, to a batch; the newest row in alarm where there were some before."""
    if state is WellState.SILENT:
        return newest[LAST].to_pydatetime()
    if state is WellState.HAD_ALARMS:
        return table["last_alarm"].max().to_pydatetime()
    if state is WellState.ALARM:
        like = table["alarms"].to_numpy() > 0
    elif state is WellState.UNSCORABLE:
        like = table["ended"].to_numpy() == Status.UNSCORABLE
    else:
        like = table[RECORDING].to_numpy() == newest[RECORDING]
    others = np.flatnonzero(~like)
    first = int(others[-1]) + 1 if len(others) else 0
    return table[FIRST].iloc[min(first, len(table) - 1)].to_pydatetime()


def _degraded(snapshot: Snapshot, whole: slice, newest_place: int) -> dict[str, str]:
    """The sensors that were fine in some batch of the newest recording and are not at its end.

    Valves keep their state for months, so a frozen one is fine.
    """
    sensors = snapshot.sensors(whole)
    recordings = snapshot.batches["recording"][whole]
    states = summaries.last_state(sensors[recordings == recordings[newest_place]])
    was_fine = (states == 0).any(axis=0)
    last = summaries.last_state(sensors[newest_place])
    names = [(name, summaries.LAST_STATES[last[place]]) for place, name in enumerate(SENSOR_NAMES)]
    return {
        name: why
        for place, (name, why) in enumerate(names)
        if why and was_fine[place] and not _is_resting_valve(name, why)
    }


def degraded_sensors(text: str) -> dict[str, str]:
    """Read the column `degraded_sensors`, without the valves that keep their state.

    >>> degraded_sensors("P-PDG=frozen ESTADO-W1=frozen QGL=missing")
    {'P-PDG': 'frozen', 'QGL': 'missing'}
    """
    degraded = dict(word.split("=", maxsplit=1) for word in text.split() if "=" in word)
    return {name: why for name, why in degraded.items() if not _is_resting_valve(name, why)}


def _is_resting_valve(name: str, why: str) -> bool:
    return why == SensorState.FROZEN and name in BY_NAME and BY_NAME[name].kind is Kind.VALVE


def added(totals: Sequence[Totals]) -> Totals:
    """Add totals up."""
    return Totals(
        readings=sum(each.readings for each in totals),
        scored=sum(each.scored for each in totals),
        anomalies=sum(each.anomalies for each in totals),
    )
