"""Well: what its sensors did, what the detector said of it, and what drove that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import charts, choice, frame
from dashboard.alarms import Alarm
from dashboard.data import Rows
from dashboard.fleet import wells_of
from dashboard.health import health_table
from dashboard.long_view import show_long
from dashboard.snapshot import FIRST, LAST
from dashboard.states import state_markdown
from dashboard.times import local, local_series, stored
from dashboard.units import labelled, scale_of, spelled_out
from dashboard.words import degraded_words, minute, span
from petrostream.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    RECORDING,
    TIMESTAMP,
    TOP_SENSOR,
    WELL,
)
from petrostream.profiles import Profile, SensorState

_IN_FULL: Final = timedelta(days=1)
"""Times up to this are drawn from the readings themselves, longer ones from summaries."""

_BAND_SPREADS: Final = 3
_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 8
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def render() -> None:
    """Draw the page."""
    frame.show("Well", _draw)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """One well in the chosen time: its batches' places in the snapshot, and from when to when."""

    well: str
    places: np.ndarray
    start: datetime
    end: datetime


def _draw(view: frame.View) -> None:
    wells = wells_of(view.snapshot, timedelta(days=1))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width=200):
            well = choice.choose_well(sorted(each.name for each in wells), default=wells[0].name)
        [shown] = [each for each in wells if each.name == well]
        name, length = choice.choose_span("well time", "6 h")
        until = choice.choose_end(
            shown.newest,
            length,
            lambda time: local(time, view.zone),
            lambda time: stored(time, view.zone),
        )
    words = degraded_words(shown.degraded)
    st.markdown(
        f"{state_markdown(shown.state)} since {minute(local(shown.since, view.zone))}"
        + (f"; {words}" if words else "")
    )
    chosen = _chosen(view, well, length, until)
    if not len(chosen.places):
        st.info(
            f"{well} has no readings in this time. Choose a longer one, or go to the newest.",
            icon=":material/search_off:",
        )
        return
    if chosen.end - chosen.start > _IN_FULL + timedelta(minutes=10):
        show_long(view, chosen.well, chosen.places, name)
        return
    _show_readings(view, chosen)


def _chosen(
    view: frame.View, well: str, length: timedelta | None, until: datetime | None
) -> _Chosen:
    whole = view.snapshot.of_well(well)
    table = view.snapshot.table.iloc[whole]
    end = until or table[LAST].max().to_pydatetime()
    start = end - length if length else table[FIRST].min().to_pydatetime()
    inside = (table[FIRST] <= end) & (table[LAST] >= start)
    return _Chosen(well, np.flatnonzero(inside.to_numpy()) + whole.start, start, end)


def _show_readings(view: frame.View, chosen: _Chosen) -> None:
    objects = view.snapshot.chosen(chosen.places)
    rows = view.curated.rows(objects).between(chosen.start, chosen.end)
    if rows.table.empty:
        st.info("There are no readings that can be shown.", icon=":material/block:")
        return
    sensors = choice.choose_sensors(rows.sensors)
    profiles = {
        name: view.curated.profile(chosen.well, name) for name in rows.table[RECORDING].unique()
    }
    flagged = [each for each in objects if each.counts.anomalies]
    alarms = [
        alarm
        for alarm in map(Alarm, view.curated.runs(flagged))
        if alarm.start <= chosen.end and alarm.end >= chosen.start
    ]
    _show_chart(view, rows, sensors, profiles, alarms)
    left, right = st.tabs(["Sensors", "Anomalies"])
    with left:
        _show_health(rows, profiles)
    with right:
        _show_anomalies(view, chosen.well, rows)


def _show_chart(
    view: frame.View,
    rows: Rows,
    sensors: Sequence[str],
    profiles: dict[str, Profile | None],
    alarms: Sequence[Alarm],
) -> None:
    shift = partial(local_series, zone=view.zone)
    table = rows.table.assign(**{TIMESTAMP: shift(rows.table[TIMESTAMP])})
    context = charts.Context(
        alarms=alarm_spans(alarms, shift),
        bands={name: profile_bands(table, name, profiles) for name in sensors},
        clock=str(view.zone),
    )
    first, last = table[TIMESTAMP].iloc[0], table[TIMESTAMP].iloc[-1]
    st.caption(f"{span(first.to_pydatetime(), last.to_pydatetime())} ({view.zone})")
    with st.container(horizontal=True, wrap=False, gap=None):
        st.altair_chart(
            charts.recording_chart(table, sensors, context),
            width="stretch",
            key="readings",
            alt="Readings of the chosen sensors with anomalies as points, and the anomaly score",
        )
        st.space(charts.BESIDE_PLOT)
    st.caption(
        "Red points are anomalies, each one drawn; red stretches are alarms, grey ones are not "
        f"scored. Green is the profile, centre ± {_BAND_SPREADS} spreads. Drag to pan, Ctrl and "
        "the wheel to zoom, double-click for the whole time."
    )


def alarm_spans(alarms: Sequence[Alarm], shift: Any) -> pd.DataFrame:
    """A row an alarm: from when to when, and what it is."""
    if not alarms:
        return pd.DataFrame()
    starts, ends = (
        shift(pd.Series([getattr(each, name) for each in alarms], dtype="datetime64[us]"))
        for name in ("start", "end")
    )
    words = [
        f"{each.severity} alarm, highest score {each.event.peak_score:.2f}, "
        f"driven by {', '.join(each.event.drivers)}"
        for each in alarms
    ]
    return pd.DataFrame(
        {
            "start": starts.dt.tz_localize("UTC"),
            "end": ends.dt.tz_localize("UTC"),
            "alarm": words,
        }
    )


def profile_bands(
    rows: pd.DataFrame, sensor: str, profiles: dict[str, Profile | None]
) -> pd.DataFrame:
    """What is normal for a sensor by each recording's profile, as wide as its rows."""
    bands = []
    for name, times in rows.groupby(RECORDING, sort=False)[TIMESTAMP]:
        profile = profiles.get(str(name))
        known = profile.sensors.get(sensor) if profile else None
        if known is None or known.state is not SensorState.LIVE:
            continue
        bands.append(
            {
                "start": times.iloc[0].tz_localize("UTC"),
                "end": times.iloc[-1].tz_localize("UTC"),
                "low": known.centre - _BAND_SPREADS * known.spread,
                "high": known.centre + _BAND_SPREADS * known.spread,
            }
        )
    return pd.DataFrame(bands)


def _show_health(rows: Rows, profiles: dict[str, Profile | None]) -> None:
    newest = profiles.get(str(rows.table[RECORDING].iloc[-1]))
    st.dataframe(
        health_table(rows, newest),
        hide_index=True,
        alt="The sensors: what they read, how far off they are, and their health",
        column_config={
            "Drives": st.column_config.ProgressColumn(
                format="percent",
                min_value=0.0,
                max_value=1.0,
                help="How much of this time's anomalies the sensor makes up: what drives the alarm",
            ),
            "Off by": st.column_config.NumberColumn(
                format="%.1f", help="Distance of the newest reading from the profile, in spreads"
            ),
            "Newest": st.column_config.NumberColumn(format="%.4f"),
            "Normal": st.column_config.NumberColumn(
                format="%.4f", help="The profile's centre: the commissioning time's median"
            ),
            "Missing": st.column_config.NumberColumn(format="percent"),
        },
    )


def _show_anomalies(view: frame.View, well: str, rows: Rows) -> None:
    anomalies = anomalies_table(well, rows)
    if anomalies.empty:
        st.info("No reading was flagged in this time.", icon=":material/check_circle:")
        return
    st.download_button(
        f"Download {len(anomalies):,} rows as CSV",
        partial(anomalies_csv, anomalies),
        file_name=f"anomalies-{well}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="As stored: pressures in Pa, temperatures in °C, flows in m³/s, times in UTC.",
    )
    columns: dict[str, Any] = {
        TIMESTAMP: st.column_config.DatetimeColumn(f"Time ({view.zone})", format=_SECOND),
        WELL: "Well",
        RECORDING: "Recording",
        ANOMALY_SCORE: st.column_config.NumberColumn("Score", format="%.3f"),
        TOP_SENSOR: "Top sensor",
    }
    for name in rows.sensors:
        columns[name] = st.column_config.NumberColumn(
            labelled(name), help=spelled_out(name), format="%.4f"
        )
    st.dataframe(
        anomalies.assign(
            **{TIMESTAMP: local_series(anomalies[TIMESTAMP], view.zone)},
            **{name: anomalies[name] * scale_of(name).factor for name in rows.sensors},
        ),
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(anomalies), _TABLE_ROWS) + 1) + 3,
        alt="Anomalies in the chosen time",
        column_config=columns,
    )


def anomalies_table(well: str, rows: Rows) -> pd.DataFrame:
    """The flagged rows of a well, the newest first; readings as stored."""
    flagged = rows.table[rows.table[ANOMALY_FLAG] == 1].iloc[::-1]
    columns = [TIMESTAMP, RECORDING, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]
    return flagged[columns].assign(**{WELL: well})[
        [TIMESTAMP, WELL, RECORDING, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]
    ]


def anomalies_csv(anomalies: pd.DataFrame) -> str:
    """The flagged rows as CSV, times as ISO 8601 in UTC."""
    return anomalies.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
