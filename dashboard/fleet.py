"""What the figures over all wells are, and how each well is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import pandas as pd

from dashboard.data import ScoredObject, Snapshot
from petrostream.columns import ANOMALY_FLAG, DEGRADED_SENSORS, STATUS, TIMESTAMP, TOP_SENSOR
from petrostream.detector import Status
from petrostream.profiles import SensorState
from petrostream.sensors import BY_NAME, Kind
from petrostream.tuning import DetectorSettings

ALARM_SECONDS: Final = DetectorSettings().alarm_seconds
"""A well is in alarm while its newest anomaly is at most this long before its newest reading:
the quiet time after which the pipeline takes an event as over."""


class WellState(StrEnum):
    """How a well is, the worst first."""

    ALARM = "alarm now"
    UNREADABLE = "not readable"
    UNSCORABLE = "not scorable"
    HAD_ANOMALIES = "had anomalies"
    COMMISSIONING = "commissioning"
    NORMAL = "normal"


SEVERITY: Final = {state: rank for rank, state in enumerate(WellState)}


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures over scored batches; times are UTC without a zone.

    `newest_reading` is the last time stamp in the data, `newest_batch` when the pipeline wrote
    the last of the batches.
    """

    readings: int
    scored: int
    anomalies: int
    wells: int
    recordings: int
    newest_reading: datetime | None
    newest_batch: datetime | None

    @property
    def anomaly_rate(self) -> float | None:
        """Share of the scored readings that are anomalies; `None` where none was scored."""
        return self.anomalies / self.scored if self.scored else None


@dataclass(frozen=True, slots=True)
class WellSummary:
    """One well: its state, its figures, and what its newest rows say.

    `top_sensor` is the sensor that was furthest off in most of the newest anomalies, `degraded`
    has the sensors that could not be scored at the newest reading, and why.
    """

    well: str
    state: WellState
    totals: Totals
    top_sensor: str | None
    degraded: dict[str, str]


def total(objects: Iterable[ScoredObject]) -> Totals:
    """Add up scored batches."""
    known = list(objects)
    return Totals(
        readings=sum(each.counts.rows for each in known),
        scored=sum(each.counts.scored for each in known),
        anomalies=sum(each.counts.anomalies for each in known),
        wells=len({each.batch.well for each in known}),
        recordings=len({(each.batch.well, each.batch.recording) for each in known}),
        newest_reading=max((each.last for each in known), default=None),
        newest_batch=max((each.modified for each in known), default=None),
    )


def summarise(snapshot: Snapshot, newest: Mapping[str, pd.DataFrame]) -> list[WellSummary]:
    """Describe every well, the worst first.

    `newest` has, of each well, the rows of its newest batch and of its newest with anomalies.
    """
    wells = [_summary(well, objects, newest[well]) for well, objects in snapshot.by_well().items()]
    return sorted(wells, key=lambda each: (SEVERITY[each.state], -each.totals.anomalies, each.well))


def _summary(well: str, objects: Sequence[ScoredObject], rows: pd.DataFrame) -> WellSummary:
    totals = total(objects)
    top_sensors = rows.loc[rows[ANOMALY_FLAG] == 1, TOP_SENSOR].value_counts()
    return WellSummary(
        well=well,
        state=well_state(rows, had_anomalies=totals.anomalies > 0),
        totals=totals,
        top_sensor=str(top_sensors.index[0]) if len(top_sensors) else None,
        degraded=degraded_sensors(rows[DEGRADED_SENSORS].iloc[-1]) if len(rows) else {},
    )


def well_state(rows: pd.DataFrame, *, had_anomalies: bool) -> WellState:
    """Judge a well by its newest rows, which are in the order of time."""
    if rows.empty:
        return WellState.UNREADABLE
    newest = rows.iloc[-1]
    flagged = rows.loc[rows[ANOMALY_FLAG] == 1, TIMESTAMP]
    quiet = (newest[TIMESTAMP] - flagged.max()).total_seconds() if len(flagged) else None
    if quiet is not None and quiet <= ALARM_SECONDS:
        return WellState.ALARM
    if newest[STATUS] == Status.UNSCORABLE:
        return WellState.UNSCORABLE
    if had_anomalies:
        return WellState.HAD_ANOMALIES
    if newest[STATUS] == Status.COMMISSIONING:
        return WellState.COMMISSIONING
    return WellState.NORMAL


def degraded_sensors(text: str) -> dict[str, str]:
    """Read the column `degraded_sensors`, without the valves that keep their state.

    >>> degraded_sensors("P-PDG=frozen ESTADO-W1=frozen QGL=missing")
    {'P-PDG': 'frozen', 'QGL': 'missing'}
    """
    degraded = dict(word.split("=", maxsplit=1) for word in text.split() if "=" in word)
    return {
        name: why
        for name, why in degraded.items()
        if why != SensorState.FROZEN or name not in BY_NAME or BY_NAME[name].kind is not Kind.VALVE
    }
