"""Accuracy: alarms held against 3W's labels, live, and how the published model was evaluated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard import frame, navigation
from dashboard.alarms import spans_by_recording
from dashboard.evaluation import Published, published
from dashboard.filters import choose_many
from dashboard.labelled import Recordings
from dashboard.links import well_at
from dashboard.stores import Stores, find_stores, part
from dashboard.times import local
from petrostream.accuracy import (
    LEAST_NORMAL_ROWS,
    UNLABELLED,
    Figures,
    Judged,
    figures,
    judge,
    rows_by_label,
)
from petrostream.events import Event
from petrostream.keys import second_of
from petrostream.labels import EVENT_NAMES, NORMAL, describe
from petrostream.registry import ModelRegistry
from petrostream.settings import Settings
from petrostream.storage import Bucket

_FOUND, _MISSED, _WAS_ON, _SHORT = "✓ found", "✕ missed", "◐ was on already", "– not judged"
_COLOURS: Final = {_FOUND: "#2f9e44", _MISSED: "#e03131", _WAS_ON: "#e8890c", _SHORT: "#868e96"}
_FLAGGED, _QUIET = "flagged", "not flagged"
_NONE: Final = "–"
_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 12
_SECONDS_A_MINUTE: Final = 60
_SECONDS_AN_HOUR: Final = 3600


def render() -> None:
    """Draw the page."""
    frame.show("Accuracy", _draw)


def _draw(view: frame.View) -> None:
    stores = find_stores()
    wells = choose_many("Well", "well", list(view.snapshot.wells))
    places = _places(view, wells)
    labels = _labels(stores, view, places)
    found = stores.events.read(view.snapshot, places).events
    judged = _judged(found, labels)
    st.subheader("What was replayed", anchor=False)
    if judged:
        _show_live(judged, labels, view.zone)
    else:
        st.info(
            "Nothing that was scored has labels: 3W's recordings have them, a stream does not.",
            icon=":material/label_off:",
        )
    st.subheader("The published model", anchor=False)
    _show_published()


def _places(view: frame.View, wells: Sequence[str]) -> np.ndarray:
    if not wells:
        return np.arange(len(view.snapshot.batches))
    slices = [view.snapshot.of_well(well) for well in wells]
    return np.concatenate([np.arange(each.start, each.stop) for each in slices])


def _labels(stores: Stores, view: frame.View, places: np.ndarray) -> Recordings:
    place = st.empty()

    def progress(done: int, of: int) -> None:
        place.progress(done / of, f"Reading labels: {done:,} of {of:,} batches")

    try:
        return stores.labels.read(view.snapshot, places, progress)
    finally:
        place.empty()


def _judged(found: Sequence[Event], labels: Recordings) -> list[Judged]:
    spans = spans_by_recording(found)
    each = (judge(*name, runs, spans.get(name, ())) for name, runs in labels.items())
    return [one for one in each if one is not None]


def _show_live(judged: Sequence[Judged], labels: Recordings, zone: ZoneInfo) -> None:
    _show_tiles(figures(judged))
    with st.expander("What counts"):
        st.markdown(
            f"- An **event** is a recording with at least {LEAST_NORMAL_ROWS // 60} minutes of "
            "rows labelled normal, and then rows labelled with a fault or the transient to it.\n"
            "- It is **found** if an alarm starts between its first abnormal row and its last; the "
            "**delay** counts from the first. An alarm that was on before does not find it.\n"
            "- A **false alarm** starts on a row that is labelled normal, after the commissioning "
            "time; they are given for each day of such rows of a well.\n"
            "- A recording with a fault but less normal time before it is **not judged**."
        )
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Recordings with a fault**")
        _show_recordings(judged, zone)
    with right:
        st.markdown("**Recordings by class**")
        _show_classes(judged)
    _show_rows(labels)


def _show_tiles(found: Figures) -> None:
    with st.container(horizontal=True, gap="small"):
        share = "" if found.recall is None else f"{found.recall:.0%} of the events"
        _tile("Found", f"{found.found} of {found.events}", share)
        _tile("Missed", f"{found.missed}", "events without an alarm")
        _tile("Median delay", delay_words(found.median_delay), "from the first abnormal row")
        a_day = found.false_alarms_a_day
        _tile(
            "False alarms a well-day",
            _NONE if a_day is None else f"{a_day:.2f}",
            f"{found.false_alarms:,} in {found.normal_days:.1f} well-days",
        )


def _tile(label: str, value: str, note: str) -> None:
    st.metric(
        label,
        value,
        note or None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def delay_words(seconds: float | None) -> str:
    """A delay in words.

    >>> delay_words(75), delay_words(600), delay_words(9000), delay_words(None)
    ('75 s', '10.0 min', '2.5 h', '–')
    """
    if seconds is None:
        return _NONE
    if seconds < 2 * _SECONDS_A_MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _SECONDS_AN_HOUR:
        return f"{seconds / _SECONDS_A_MINUTE:.1f} min"
    return f"{seconds / _SECONDS_AN_HOUR:.1f} h"


def outcome_of(judged: Judged) -> str:
    """What became of a recording with a fault."""
    if judged.is_short:
        return _SHORT
    if judged.found:
        return _FOUND
    return _WAS_ON if judged.was_on else _MISSED


def _show_recordings(judged: Sequence[Judged], zone: ZoneInfo) -> None:
    faulty = sorted(
        (each for each in judged if each.first_abnormal is not None),
        key=lambda each: (outcome_of(each) == _SHORT, each.found, each.well, each.recording),
    )
    if not faulty:
        st.caption("No recording has a fault.")
        return
    begins = [second_of(each.first_abnormal or 0) for each in faulty]
    table = pd.DataFrame(
        {
            "Outcome": [[outcome_of(each)] for each in faulty],
            "Well": [each.well for each in faulty],
            "Fault": [f"{each.fault}: {describe(each.fault)}" for each in faulty],
            "Begins": [local(each, zone) for each in begins],
            "Delay": [delay_words(each.delay_seconds) if each.is_event else "" for each in faulty],
            "False": [each.false_alarms for each in faulty],
        }
    )
    ticked = st.dataframe(
        table,
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(table), _TABLE_ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        key="faulty recordings",
        on_select="rerun",
        selection_mode="single-row",
        alt="Recordings with a fault and what became of them",
        column_config={
            "Outcome": st.column_config.MultiselectColumn(
                options=list(_COLOURS), color=list(_COLOURS.values())
            ),
            "Begins": st.column_config.DatetimeColumn(
                f"Begins ({zone.key})", format="YYYY-MM-DD HH:mm:ss"
            ),
            "False": st.column_config.NumberColumn(
                "False alarms", help="Alarms that start in its normal time"
            ),
        },
    ).selection.rows
    if ticked and ticked[0] < len(faulty):
        chosen = faulty[ticked[0]]
        navigation.link(
            "well",
            f"Show {chosen.well} then",
            well_at(chosen.well, *_abnormal_time(chosen)),
            icon=":material/show_chart:",
        )
    else:
        st.caption("Tick a row at its left for a link to the well at that time.")


def _abnormal_time(judged: Judged) -> tuple[datetime, datetime]:
    first, last = judged.first_abnormal or 0, judged.last_abnormal or 0
    return second_of(first), second_of(last)


def classes_table(judged: Sequence[Judged]) -> pd.DataFrame:
    """Recordings of each class: with an alarm, without one, not judged; median delay.

    Of a fault, an alarm finds the event; of normal operation, it is a false one.
    """
    rows = []
    for fault in sorted({each.fault for each in judged}):
        of_class = [each for each in judged if each.fault == fault]
        found = figures(of_class)
        with_alarm = sum(each.false_alarms > 0 for each in of_class)
        is_fault = fault != NORMAL
        rows.append(
            {
                "Class": f"{fault}: {describe(fault)}",
                "Alarm": found.found if is_fault else with_alarm,
                "No alarm": found.missed if is_fault else len(of_class) - with_alarm,
                "Not judged": sum(each.is_short for each in of_class),
                "Delay": delay_words(found.median_delay),
            }
        )
    return pd.DataFrame(rows)


def _show_classes(judged: Sequence[Judged]) -> None:
    st.dataframe(
        classes_table(judged),
        hide_index=True,
        row_height=_ROW_HEIGHT,
        alt="Recordings by class",
        column_config={
            "Alarm": st.column_config.NumberColumn(
                help="Of a fault: events found. Of normal operation: recordings with a false alarm"
            ),
            "No alarm": st.column_config.NumberColumn(
                help="Of a fault: events missed. Of normal operation: recordings that kept quiet"
            ),
            "Delay": st.column_config.TextColumn("Median delay"),
        },
    )


def rows_table(labels: Recordings) -> pd.DataFrame:
    """For each label its rows after commissioning, flagged and not."""
    counted = rows_by_label(run for runs in labels.values() for run in runs)
    known = [each for each in counted if each.label != UNLABELLED]
    return pd.DataFrame(
        [
            {
                "label": f"{each.label}: {describe(each.label)}",
                "place": (each.label % 100, each.label < 100),  # noqa: PLR2004 - transients first
                "verdict": verdict,
                "rows": rows,
                "share": rows / each.rows,
            }
            for each in known
            for verdict, rows in ((_FLAGGED, each.flagged), (_QUIET, each.rows - each.flagged))
        ]
    )


def _show_rows(labels: Recordings) -> None:
    table = rows_table(labels)
    if table.empty:
        return
    st.markdown("**Readings by label**: how many of each are flagged as anomalies")
    ordered = table.sort_values("place")["label"].drop_duplicates().tolist()
    chart = (
        alt.Chart(table.drop(columns="place"))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title="share of the readings", axis=alt.Axis(format="%")),
            y=alt.Y(
                "label:N",
                title=None,
                sort=ordered,
                axis=alt.Axis(labelLimit=280, labelOverlap=False),
            ),
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=[_FLAGGED, _QUIET], range=["#e03131", "#a5b4c4"]),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("verdict:N"),
            tooltip=[
                alt.Tooltip("label:N"),
                alt.Tooltip("verdict:N"),
                alt.Tooltip("rows:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .properties(height=alt.Step(26))
    )
    st.altair_chart(chart, width="stretch", alt="Share of flagged readings for each label")


def _show_published() -> None:
    settings = Settings.load("curated_bucket")
    found = part(
        "The published model",
        "`ssm:GetParameter` on the model's parameter and `s3:GetObject` on `models/*` in the "
        "models bucket",
        lambda: published(ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)),
    )
    if found is None:
        return
    training = found.training
    facts = [
        f"{training[name]:,} {words}"
        for name, words in (("recordings", "recordings"), ("windows", "normal windows"))
        if isinstance(training.get(name), int)
    ]
    st.caption(f"`{found.version}`{', trained on ' + ' and '.join(facts) if facts else ''}.")
    if not found.figures:
        st.info(
            "This model was published without an evaluation: its `model.json` has no metrics.",
            icon=":material/lab_profile:",
        )
        return
    _show_evaluation(found)


def _show_evaluation(found: Published) -> None:
    if found.protocol:
        st.caption(f"Protocol: {found.protocol}.")
    with st.container(horizontal=True, gap="small"):
        for label, value in found.figures.items():
            _tile(label, value, "")
    if found.by_class:
        st.dataframe(
            [_class_row(label, one) for label, one in sorted(found.by_class.items())],
            hide_index=True,
            alt="The evaluation by class",
        )


def _class_row(label: str, one: dict[str, Any]) -> dict[str, Any]:
    fault = int(label) if label.isdigit() else -1
    delay = one.get("median_detection_delay_s")
    return {
        "Class": f"{label}: {EVENT_NAMES.get(fault, str(one.get('name', '')))}",
        "Events": one.get("events"),
        "Found": one.get("events_found"),
        "Median delay": delay_words(delay if isinstance(delay, int | float) else None),
        "Mean AUC": one.get("mean_auc"),
    }
