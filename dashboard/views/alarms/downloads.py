"""Alarms and what was said of them, as files with plain values."""

import io
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.alarms.alarm import Alarm
from dashboard.views.alarms.alarm_table import notes_of, times_of
from petrostream.alarms.annotations import Annotation, to_csv
from petrostream.schema.labels import EVENT_NAMES


def show_downloads(shown: Sequence[Alarm], annotations: Sequence[Annotation]) -> None:
    """Offer the alarms shown, and all that was said, as files."""
    table = export(shown)
    with st.container(horizontal=True, gap="small"):
        _download("Alarms as CSV", partial(_csv, table), "alarms.csv", "text/csv", shown)
        _download(
            "Alarms as Parquet",
            partial(_parquet, table),
            "alarms.parquet",
            "application/vnd.apache.parquet",
            shown,
        )
        _download(
            "All that was said as CSV",
            partial(to_csv, annotations),
            "annotations.csv",
            "text/csv",
            annotations,
        )


def _download(
    label: str,
    data: Callable[[], str | bytes],
    name: str,
    mime: str,
    content: Sequence[object],
) -> None:
    st.download_button(
        label,
        data,
        file_name=name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        disabled=not content,
    )


def export(alarms: Sequence[Alarm]) -> pd.DataFrame:
    """One row per alarm with plain values; times are UTC."""
    verdicts = [each.standing.verdict for each in alarms]
    acknowledged = [each.standing.acknowledgement for each in alarms]
    return pd.DataFrame(
        {
            "well": [each.event.well for each in alarms],
            "recording": [each.event.recording for each in alarms],
            "start": times_of([each.event.start for each in alarms]),
            "end": times_of([each.event.end for each in alarms]),
            "rows": [each.event.rows for each in alarms],
            "severity": [each.severity.value for each in alarms],
            "peak_score": [each.event.peak_score for each in alarms],
            "peak": times_of([each.event.peak for each in alarms]),
            "drivers": [" ".join(each.event.drivers) for each in alarms],
            "limits": [" ".join(each.limits) for each in alarms],
            "class": pd.array([each.label for each in alarms], dtype="Int16"),
            "class_name": [
                "" if each.label is None else EVENT_NAMES.get(each.label, "") for each in alarms
            ],
            "acknowledged_by": [each.who if each else "" for each in acknowledged],
            "verdict": [each.kind.value if each else "" for each in verdicts],
            "verdict_by": [each.who if each else "" for each in verdicts],
            "notes": [notes_of(each) for each in alarms],
        }
    )


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")


def _parquet(table: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    table.to_parquet(sink, index=False)
    return sink.getvalue()
