"""The table of alarms, in words."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.wording import SEVERITY_MARKS
from dashboard.ui.timezones import local_series
from petrostream.alarms.annotations import AnnotationKind
from petrostream.durations import duration
from petrostream.schema.labels import describe

_OPEN, _ACKNOWLEDGED = "○ open", "✓ acknowledged"
_STATE_COLOURS: Final = {_OPEN: "#495057", _ACKNOWLEDGED: "#adb5bd"}
_VERDICTS: Final = {
    None: "",
    AnnotationKind.TRUE_ALARM: "✓ true",
    AnnotationKind.FALSE_ALARM: "✕ false",
}
_UNLABELLED: Final = "none"


def alarms_table(alarms: Sequence[Alarm], zone: ZoneInfo) -> pd.DataFrame:
    """One row per alarm, in words."""
    return pd.DataFrame(
        {
            "State": [[_OPEN if each.standing.is_open else _ACKNOWLEDGED] for each in alarms],
            "Severity": [[SEVERITY_MARKS[each.severity][0]] for each in alarms],
            "Well": [each.event.well for each in alarms],
            "Start": local_series(times_of([each.event.start for each in alarms]), zone),
            "Lasted": [duration(each.event.seconds) for each in alarms],
            "Peak score": [each.event.peak_score for each in alarms],
            "Driven by": [", ".join((*each.event.drivers, *each.limits)) for each in alarms],
            "3W label": [class_words(class_of(each)) for each in alarms],
            "Verdict": [
                _VERDICTS[each.standing.verdict.kind if each.standing.verdict else None]
                for each in alarms
            ],
            "Notes": [notes_of(each) for each in alarms],
        }
    )


def notes_of(alarm: Alarm) -> str:
    """All notes that people made of an alarm."""
    return " · ".join(each.note for each in alarm.standing.said if each.note)


def table_columns(zone: ZoneInfo) -> dict[str, ColumnConfig]:
    """How the table shows its columns."""
    config = st.column_config
    return {
        "State": config.MultiselectColumn(
            options=list(_STATE_COLOURS), color=list(_STATE_COLOURS.values()), width=135
        ),
        "Severity": config.MultiselectColumn(
            options=[mark for mark, _ in SEVERITY_MARKS.values()],
            color=[colour for _, colour in SEVERITY_MARKS.values()],
            help="By the peak score, whose threshold is 1: medium from 1.5, high from 3",
        ),
        "Start": config.DatetimeColumn(f"Start ({zone.key})", format="YYYY-MM-DD HH:mm:ss"),
        "Peak score": config.NumberColumn(format="%.2f", help="1 is the threshold"),
        "Driven by": config.TextColumn(
            help="Sensors furthest off in most of its rows, and limits passed"
        ),
        "3W label": config.TextColumn(help="What 3W's experts say of that time, where they do"),
        "Verdict": config.TextColumn(help="What the last person said who judged it"),
        "Notes": config.TextColumn(width="large"),
    }


def class_of(alarm: Alarm) -> str:
    """The 3W label of an alarm's time, as filters and the address name it."""
    return _UNLABELLED if alarm.label is None else str(alarm.label)


def class_words(label: str) -> str:
    """What `class_of` gives, in words."""
    return "unlabelled" if label == _UNLABELLED else f"{label}: {describe(int(label))}"


def times_of(microseconds: Sequence[int]) -> pd.Series:
    """Microseconds since 1970 as a column of times."""
    return pd.Series(np.array(microseconds, dtype="M8[us]"))
