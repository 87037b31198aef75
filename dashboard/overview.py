"""The first page: figures over all wells, how each well is, and one recording in detail."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import charts, choice
from dashboard.data import Curated, Rows, ScoredObject, Snapshot
from dashboard.fleet import ALARM_SECONDS, Totals, WellState, WellSummary, summarise, total
from dashboard.units import labelled, scale_of, spelled_out
from dashboard.words import ago, minute, span
from petrostream.batches import COMMISSIONING_SECONDS
from petrostream.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    RECORDING,
    TIMESTAMP,
    TOP_SENSOR,
    WELL,
)
from petrostream.keys import BatchId

_STATE_MARKS: Final = {
    WellState.ALARM: ("▲", "#e03131"),
    WellState.UNREADABLE: ("✕", "#9c36b5"),
    WellState.UNSCORABLE: ("◌", "#9c36b5"),
    WellState.HAD_ANOMALIES: ("△", "#e8890c"),
    WellState.COMMISSIONING: ("◔", "#868e96"),
    WellState.NORMAL: ("●", "#1c7ed6"),
}
"""Each state has a mark and words of its own, so that nobody has to tell colours apart."""

_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 8
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def show(curated: Curated, snapshot: Snapshot) -> None:
    """Draw the page."""
    summaries = summarise(snapshot, curated.newest(snapshot))
    wells = [each.well for each in summaries]
    _show_totals(total(snapshot.objects))
    table, notices = st.container(), st.container()
    left, middle, right = st.columns([2, 5, 5], gap="medium")
    with left:
        well = choice.choose_well(wells, notices)
    with table:
        _show_wells(summaries, choice.well_by_row(wells, well))
    recordings = recordings_of(snapshot.by_well()[well])
    with middle:
        labels = {name: recording_label(objects) for name, objects in recordings.items()}
        recording = choice.choose_recording(well, labels, notices)
    objects = recordings[recording]
    with right:
        last = max(each.last for each in objects)
        start, end = choice.choose_time(recording, objects[0].first, last)
    rows = curated.rows([each for each in objects if each.first <= end and each.last >= start])
    _show_recording(objects[0].batch, rows.between(start, end))


def _show_totals(totals: Totals) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    rate, newest, written = totals.anomaly_rate, totals.newest_reading, totals.newest_batch
    tiles = st.container(horizontal=True, gap="small")
    _tile(
        tiles,
        "Readings",
        f"{totals.readings:,}",
        f"{totals.scored:,} scored",
        "Rows that the pipeline has taken in, one a second of a recording: scored, commissioning "
        "and unscorable ones.",
    )
    _tile(
        tiles,
        "Anomalies",
        f"{totals.anomalies:,}",
        "readings flagged",
        f"Readings with an anomaly score of {charts.THRESHOLD} or more (`anomaly_flag` is 1).",
    )
    _tile(
        tiles,
        "Anomaly rate",
        "–" if rate is None else f"{rate:.2%}",
        "of scored readings",
        "Anomalies as a share of the scored readings. A recording's first "
        f"{COMMISSIONING_SECONDS // 60} minutes (commissioning) and unscorable readings are not "
        "counted.",
    )
    _tile(
        tiles,
        "Active wells",
        f"{totals.wells:,}",
        f"{totals.recordings:,} recordings",
        "Wells with at least one reading in the curated bucket. A recording is one continuous "
        "3W instance.",
    )
    _tile(
        tiles,
        "Newest reading (UTC)",
        minute(newest) if newest else "–",
        f"{ago(newest, now)}, scored {ago(written, now)}" if newest and written else "",
        "The last time stamp in the data, and when the pipeline wrote its last batch. A replay "
        "keeps the recordings' own times, which may be years ago.",
    )


def _tile(place: DeltaGenerator, label: str, value: str, note: str, explanation: str) -> None:
    place.metric(
        label,
        value,
        note,
        delta_color="off",
        delta_arrow="off",
        help=explanation,
        border=True,
        height="stretch",
    )


def _show_wells(summaries: Sequence[WellSummary], on_select: Callable[[], None]) -> None:
    st.subheader("Wells", anchor=False)
    st.caption(
        f"Worst first. Alarm now: an anomaly in the last {ALARM_SECONDS} s of a well's readings. "
        "Click at the left of a row to see that well below."
    )
    st.dataframe(
        wells_table(summaries),
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(summaries), _TABLE_ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        key=choice.WELLS_TABLE,
        on_select=on_select,
        selection_mode="single-row-required",
        alt="Wells, the worst first",
        column_config={
            "State": st.column_config.MultiselectColumn(
                options=[_state_text(state) for state in WellState],
                color=[_STATE_MARKS[state][1] for state in WellState],
            ),
            "Last reading (UTC)": st.column_config.DatetimeColumn(format=_SECOND),
            "Readings": st.column_config.NumberColumn(format="localized"),
            "Anomalies": st.column_config.NumberColumn(format="localized"),
            "Anomaly rate": st.column_config.NumberColumn(
                format="percent", help="Share of the scored readings"
            ),
            "Top sensor": st.column_config.TextColumn(
                help="The sensor that was furthest off in most of the newest anomalies"
            ),
            "Degraded sensors": st.column_config.TextColumn(
                help="Sensors that could not be scored at the newest reading: missing, frozen at "
                "one value, or without a profile from the commissioning time",
                width="large",
            ),
        },
    )


def wells_table(summaries: Sequence[WellSummary]) -> pd.DataFrame:
    """One row a well, in words."""
    return pd.DataFrame(
        {
            "State": [[_state_text(each.state)] for each in summaries],
            "Well": [each.well for each in summaries],
            "Last reading (UTC)": [each.totals.newest_reading for each in summaries],
            "Readings": [each.totals.readings for each in summaries],
            "Anomalies": [each.totals.anomalies for each in summaries],
            "Anomaly rate": [each.totals.anomaly_rate for each in summaries],
            "Top sensor": [
                spelled_out(each.top_sensor) if each.top_sensor else "" for each in summaries
            ],
            "Degraded sensors": [degraded_words(each.degraded) for each in summaries],
        }
    )


def degraded_words(degraded: Mapping[str, str]) -> str:
    """Name degraded sensors by reason; the missing, which a well may never have had, come last.

    >>> degraded_words({"QGL": "missing", "P-PDG": "frozen", "P-TPT": "frozen"})
    'frozen: P-PDG, P-TPT; missing: QGL'
    """
    reasons = sorted(set(degraded.values()), key=lambda reason: (reason == "missing", reason))
    return "; ".join(
        f"{reason}: {', '.join(name for name, why in degraded.items() if why == reason)}"
        for reason in reasons
    )


def _state_text(state: WellState) -> str:
    return f"{_STATE_MARKS[state][0]} {state}"


def _show_recording(batch: BatchId, rows: Rows) -> None:
    if rows.table.empty:
        st.info("There are no readings that can be shown.", icon=":material/block:")
        return
    _show_chart(rows, choice.choose_sensors(rows.sensors))
    _show_anomalies(batch.well, batch.recording, rows)


def _show_chart(rows: Rows, sensors: Sequence[str]) -> None:
    with st.container(horizontal=True, wrap=False, gap=None):
        st.altair_chart(
            charts.recording_chart(rows.table, sensors),
            width="stretch",
            alt="Readings of the chosen sensors with anomalies as points, and the anomaly score",
        )
        st.space(charts.BESIDE_PLOT)
    st.caption(
        "Red points are anomalies, each one drawn; grey stretches are not scored. Drag to pan, "
        "Ctrl and the wheel to zoom, double-click for the whole time."
    )


def recordings_of(objects: Sequence[ScoredObject]) -> dict[str, list[ScoredObject]]:
    """One well's batches by recording, the newest recording first."""
    recordings: dict[str, list[ScoredObject]] = {}
    for each in sorted(objects, key=lambda each: each.first):
        recordings.setdefault(each.batch.recording, []).append(each)
    newest_first = sorted(recordings, key=lambda name: recordings[name][-1].last, reverse=True)
    return {name: recordings[name] for name in newest_first}


def recording_label(objects: Sequence[ScoredObject]) -> str:
    """Name a recording by its time and what was found in it."""
    totals = total(objects)
    when = span(objects[0].first, max(each.last for each in objects))
    return f"{when}, {totals.anomalies:,} anomalies in {totals.readings:,} readings"


def _show_anomalies(well: str, recording: str, rows: Rows) -> None:
    st.subheader("Anomalies in this time", anchor=False)
    anomalies = anomalies_table(well, recording, rows)
    if anomalies.empty:
        st.info("No reading was flagged in this time.", icon=":material/check_circle:")
        return
    st.download_button(
        f"Download {len(anomalies):,} rows as CSV",
        partial(anomalies_csv, anomalies),
        file_name=f"anomalies-{recording}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Readings as stored: pressures in Pa, temperatures in °C, flows in m³/s.",
    )
    columns: dict[str, Any] = {
        TIMESTAMP: st.column_config.DatetimeColumn("Time (UTC)", format=_SECOND),
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
            **{name: anomalies[name] * scale_of(name).factor for name in rows.sensors}
        ),
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(anomalies), _TABLE_ROWS) + 1) + 3,
        alt="Anomalies in the chosen time",
        column_config=columns,
    )


def anomalies_table(well: str, recording: str, rows: Rows) -> pd.DataFrame:
    """The flagged rows of a recording, the newest first; readings as stored."""
    flagged = rows.table[rows.table[ANOMALY_FLAG] == 1].iloc[::-1]
    return flagged[[TIMESTAMP, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]].assign(
        **{WELL: well, RECORDING: recording}
    )[[TIMESTAMP, WELL, RECORDING, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]]


def anomalies_csv(anomalies: pd.DataFrame) -> str:
    """The flagged rows as CSV, times as ISO 8601 in UTC."""
    return anomalies.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
