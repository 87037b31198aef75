"""The Accuracy page's chart of readings: how many of each label are flagged."""

from collections.abc import Sequence
from typing import Final, Literal

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.curated.label_reader import Recordings
from dashboard.ui.chart_axes import ink
from dashboard.views.accuracy.outcome_tables import class_name
from petrostream.evaluation.judging import UNLABELLED, Judged
from petrostream.evaluation.metrics import rows_by_label
from petrostream.schema.labels import TRANSIENT_OFFSET

_FLAGGED, _QUIET = "flagged", "not flagged"
_BAR: Final = 12
_STEP: Final = 40


def rows_table(labels: Recordings, recordings: set[tuple[str, str]]) -> pd.DataFrame:
    """For each label the rows after commissioning of some recordings, flagged and not."""
    chosen = (runs for name, runs in labels.items() if name in recordings)
    counted = rows_by_label(run for runs in chosen for run in runs)
    known = [each for each in counted if each.label != UNLABELLED]
    return pd.DataFrame(
        [
            {
                "label": class_name(each.label),
                "place": (each.label % TRANSIENT_OFFSET, each.label < TRANSIENT_OFFSET),
                "verdict": verdict,
                "rows": rows,
                "share": rows / each.rows,
                "words": f"{each.flagged / each.rows:.1%} of {each.rows:,}",
            }
            for each in known
            for verdict, rows in ((_FLAGGED, each.flagged), (_QUIET, each.rows - each.flagged))
        ]
    )


def show_rows(judged: Sequence[Judged], labels: Recordings) -> None:
    """Rows of events and of recordings without a fault, as precision and recall count them."""
    names = {(one.truth.well, one.truth.recording) for one in judged if not one.truth.is_short}
    table = rows_table(labels, names)
    if table.empty:
        return
    st.markdown("**Readings by label**, and the share of each that is flagged as anomalies")
    st.altair_chart(_chart(table), width="stretch", alt="Share of flagged readings for each label")


def _chart(table: pd.DataFrame) -> alt.LayerChart:
    """A bar a label, its name and figures above it; the transient before its fault."""
    ordered = table.sort_values("place")["label"].drop_duplicates().tolist()
    y = alt.Y("label:N", sort=ordered, axis=None)
    named = table.drop(columns="place").drop_duplicates("label")
    bars = (
        alt.Chart(table.drop(columns="place"))
        .mark_bar(height=_BAR, yOffset=_BAR / 2)
        .encode(
            x=alt.X(
                "share:Q",
                title="share of the readings",
                axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=y,
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
    )
    names, figures = _words(named, "left", "label", y), _words(named, "right", "words", y)
    return alt.LayerChart(layer=[bars, names, figures], height=alt.Step(_STEP))


def _words(
    named: pd.DataFrame, align: Literal["left", "right"], column: str, y: alt.Y
) -> alt.Chart:
    """Words above the bars, at one end of them."""
    drawn: alt.Chart = (
        alt.Chart(named)
        .mark_text(align=align, dy=-_BAR, baseline="middle", fontSize=12, color=ink())
        .encode(x=alt.value(0 if align == "left" else "width"), y=y, text=column)
    )
    return drawn
