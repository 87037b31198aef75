"""The Accuracy page's tables of judged recordings: by class, one by one, and false alarms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.ui import navigation
from dashboard.ui.links import well_at
from dashboard.ui.timezones import local
from dashboard.views.accuracy.outcome_tables import (
    ALL,
    CLASS,
    FALSE_ALARM,
    NONE,
    QUIET,
    RECORDINGS,
    SYMBOLS,
    class_name,
    confusion,
)
from petrostream.alarms.events import Event
from petrostream.durations import duration
from petrostream.evaluation.judging import AlarmSpan, DetectionOutcome, Judged
from petrostream.schema.columns import SECOND
from petrostream.schema.keys import second_of

_TINTS: Final = {
    SYMBOLS[DetectionOutcome.FOUND]: "rgba(47, 158, 68, 0.28)",
    SYMBOLS[DetectionOutcome.MISSED]: "rgba(224, 49, 49, 0.30)",
    SYMBOLS[DetectionOutcome.WAS_ON]: "rgba(232, 137, 12, 0.30)",
    SYMBOLS[DetectionOutcome.NOT_JUDGED]: "rgba(134, 142, 150, 0.25)",
    FALSE_ALARM: "rgba(224, 49, 49, 0.30)",
    QUIET: "rgba(47, 158, 68, 0.28)",
}
_HELP: Final = {
    SYMBOLS[DetectionOutcome.FOUND]: "An alarm started in the abnormal time",
    SYMBOLS[DetectionOutcome.MISSED]: "No alarm started in the abnormal time, and none was on",
    SYMBOLS[DetectionOutcome.WAS_ON]: "An alarm had started before the fault; it does not find it",
    SYMBOLS[DetectionOutcome.NOT_JUDGED]: "A fault with too little normal time before it",
    FALSE_ALARM: "Recordings with an alarm that started in their normal time",
    QUIET: "Recordings without any alarm in their normal time",
}
ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 10


def show_confusion(judged: Sequence[Judged]) -> None:
    """One row per class; a fault counts in one of four columns, a normal time in one of two."""
    table = confusion(judged)
    st.dataframe(
        _tinted(table),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=height_of(table, len(table)),
        alt="Recordings by class and by what became of them",
        column_config={
            CLASS: st.column_config.TextColumn(pinned=True, width="medium"),
            RECORDINGS: st.column_config.NumberColumn(width="small"),
            **{name: st.column_config.NumberColumn(help=words) for name, words in _HELP.items()},
        },
    )
    st.caption(
        "A recording with a fault counts once among found, missed, was on already and not judged; "
        "one with normal time after commissioning counts once among false alarm and quiet."
    )


def _tinted(table: pd.DataFrame) -> Styler:
    """Tint what is not zero; zeros are a dot, so that the rest stands out."""
    styled = table.style.format(
        dict.fromkeys([RECORDINGS, *_TINTS], lambda number: f"{number:,}" if number else "·")
    )
    for name, colour in _TINTS.items():
        styled = styled.map(
            lambda number, colour=colour: f"background-color: {colour}" if number else "",
            subset=[name],
        )
    weights = ["font-weight: bold" if name == ALL else "" for name in table[CLASS]]
    return styled.apply(lambda _column: weights, axis=0)


def height_of(table: pd.DataFrame, at_most: int) -> int:
    """Pixels of a table that shows so many rows at most."""
    return ROW_HEIGHT * (min(len(table), at_most) + 1) + 3


def show_faulty(judged: Sequence[Judged], zone: ZoneInfo) -> None:
    """One row per recording with a fault: what became of it, the missed ones first."""
    faulty = sorted(
        (each for each in judged if each.truth.has_fault),
        key=lambda each: (each.truth.is_short, each.found, each.truth.well, each.truth.recording),
    )
    st.markdown("**Recordings with a fault**")
    if not faulty:
        st.caption("No recording has a fault.")
        return
    outcomes = list(SYMBOLS.values())
    _show_linked(
        pd.DataFrame([_faulty_row(each, zone) for each in faulty]),
        [(each.truth.well, *_abnormal_time(each)) for each in faulty],
        "faulty recordings",
        {
            "Outcome": st.column_config.MultiselectColumn(
                options=outcomes,
                color=["#2f9e44", "#e03131", "#e8890c", "#868e96"],
                width=150,
            ),
            "Begins": _time_column("Begins", zone),
            "False": st.column_config.NumberColumn(
                "False alarms", help="Alarms that start in its normal time"
            ),
        },
    )


def _faulty_row(judged: Judged, zone: ZoneInfo) -> dict[str, Any]:
    truth = judged.truth
    outcome = judged.outcome
    return {
        "Outcome": [SYMBOLS[outcome]] if outcome else [],
        "Well": truth.well,
        "Fault": class_name(truth.fault),
        "Begins": local(second_of(truth.first_abnormal or 0), zone),
        "Delay": duration(judged.delay_seconds) if truth.is_event else "",
        "False": len(judged.false_alarms),
    }


def _abnormal_time(judged: Judged) -> tuple[datetime, datetime]:
    first, last = judged.truth.first_abnormal or 0, judged.truth.last_abnormal or 0
    return second_of(first), second_of(last)


def show_false_alarms(judged: Sequence[Judged], found: Sequence[Event], zone: ZoneInfo) -> None:
    """One row per false alarm, the newest first."""
    st.markdown("**False alarms**")
    events = {(each.well, each.recording, each.start): each for each in found}
    listed = sorted(
        ((each, span) for each in judged for span in each.false_alarms),
        key=lambda pair: pair[1].start,
        reverse=True,
    )
    if not listed:
        st.caption("No alarm started in time that is labelled normal.")
        return
    _show_linked(
        pd.DataFrame([_false_row(each, span, events, zone) for each, span in listed]),
        [(each.truth.well, second_of(span.start), second_of(span.end)) for each, span in listed],
        "false alarms",
        {
            "Starts": _time_column("Starts", zone),
            "Highest score": st.column_config.NumberColumn(
                format="%.2f", help="1 is the threshold"
            ),
        },
    )


def _false_row(
    judged: Judged,
    span: AlarmSpan,
    events: Mapping[tuple[str, str, int], Event],
    zone: ZoneInfo,
) -> dict[str, Any]:
    truth = judged.truth
    event = events.get((truth.well, truth.recording, span.start))
    return {
        "Well": truth.well,
        "Starts": local(second_of(span.start), zone),
        "Lasts": duration((span.end - span.start) / SECOND),
        "Driven by": ", ".join(event.drivers) if event else NONE,
        "Highest score": event.peak_score if event else None,
        "Class of the recording": class_name(truth.fault),
    }


def _time_column(title: str, zone: ZoneInfo) -> Any:
    return st.column_config.DatetimeColumn(f"{title} ({zone.key})", format="YYYY-MM-DD HH:mm:ss")


def _show_linked(
    table: pd.DataFrame,
    times: Sequence[tuple[str, datetime, datetime]],
    key: str,
    columns: Mapping[str, Any],
) -> None:
    """A table whose ticked row gives a link to its well at its time."""
    ticked = st.dataframe(
        table,
        hide_index=True,
        height=height_of(table, _TABLE_ROWS),
        row_height=ROW_HEIGHT,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        alt=key.capitalize(),
        column_config=dict(columns),
    ).selection.rows
    if ticked and ticked[0] < len(times):
        well, start, end = times[ticked[0]]
        navigation.link(
            "well",
            f"Show {well} then",
            well_at(well, start, end),
            icon=":material/show_chart:",
        )
    else:
        st.caption("Tick a row at its left for a link to the well at that time.")
