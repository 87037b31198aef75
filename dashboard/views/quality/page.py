"""Data quality: what is missing, frozen or implausible, gaps in time, recordings not scored."""

from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.shell import page_frame
from dashboard.ui.selectors import choose_span
from dashboard.ui.timezones import local_series
from dashboard.ui.units import spelled_out
from dashboard.views.quality.sensor_grid import (
    KINDS,
    WORTH_SHOWING,
    gaps,
    sensor_grid,
    unscorable_recordings,
)
from dashboard.wells.status import wells_of
from petrostream.schema.columns import RECORDING, WELL

_MARKS: Final = {"missing": "M", "frozen": "F", "implausible": "!", "good": "·"}
_COLOURS: Final = {
    "missing": "#6c757d",
    "frozen": "#3b5bdb",
    "implausible": "#b35c00",
    "good": "#2f9e44",
}
_GOOD_OPACITY: Final = 0.18
_ON_GOOD, _ON_OTHERS = "#868e96", "#ffffff"
_MOST_WITH_PERCENT: Final = 12
"""Of more sensors than these a phone has no room for more than a letter."""

_ROW_PIXELS: Final = 24
_AROUND: Final = 190
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def render() -> None:
    """Draw the page."""
    page_frame.show("Data quality", _draw)


def _draw(view: page_frame.View) -> None:
    _, span = choose_span("quality time", "all")
    snapshot = view.snapshot
    wells = wells_of(snapshot, span)
    grid = snapshot.once(("grid", span), lambda: sensor_grid(snapshot, wells))
    st.subheader("Sensors by well", anchor=False)
    st.altair_chart(
        grid_chart(grid),
        width="stretch",
        height=_ROW_PIXELS * grid[WELL].nunique() + _AROUND,
        key="grid",
        alt="Sensors by well: missing, frozen, implausible or good",
    )
    st.caption(
        "M: missing, F: frozen at one value, !: readings that such a sensor can't give, from "
        f"{WORTH_SHOWING:.0%} of the readings on; point at a cell for how many. Valves may keep "
        "their state. "
        "A sensor that is frozen or gone all the time is not scored; the others are, without it."
    )
    st.subheader("Gaps in time", anchor=False)
    _show_gaps(view, snapshot.once(("gaps", span), lambda: gaps(snapshot, wells)))
    st.subheader("Recordings that could not be scored", anchor=False)
    unscorable = snapshot.once(("unscorable", span), lambda: unscorable_recordings(snapshot, wells))
    _show_unscorable(view, unscorable)


def grid_chart(grid: pd.DataFrame) -> alt.LayerChart:
    """Draw a cell a well and sensor, coloured and lettered by what is wrong most."""
    percent = (grid["share"] * 100).round().astype(int).astype(str)
    marks = grid["kind"].map(_MARKS)
    is_narrow = grid["sensor"].nunique() > _MOST_WITH_PERCENT
    shown = grid.assign(
        mark=marks if is_narrow else marks.where(grid["kind"] == "good", marks + " " + percent),
        what=[spelled_out(name) for name in grid["sensor"]],
    )
    base = alt.Chart(shown).encode(
        x=alt.X(
            "sensor:N",
            title=None,
            sort=list(dict.fromkeys(grid["sensor"])),
            axis=alt.Axis(
                labelAngle=-90 if is_narrow else -60,
                labelFontSize=9 if is_narrow else 10,
                orient="top",
                labelOverlap=False,
            ),
        ),
        y=alt.Y(f"{WELL}:N", title=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=[
            alt.Tooltip(f"{WELL}:N"),
            alt.Tooltip("what:N", title="sensor"),
            *(alt.Tooltip(f"{name}:Q", format=".0%") for name in KINDS[:3]),
        ],
    )
    is_good = alt.datum["kind"] == "good"
    cells = base.mark_rect(stroke="#868e96", strokeWidth=0.5).encode(
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=list(KINDS), range=[_COLOURS[kind] for kind in KINDS]),
            legend=alt.Legend(orient="bottom", symbolStrokeWidth=0, columnPadding=4),
        ),
        opacity=alt.condition(is_good, alt.value(_GOOD_OPACITY), alt.value(1.0)),
    )
    letters = base.mark_text(fontSize=9 if is_narrow else 11).encode(
        text="mark:N",
        color=alt.condition(is_good, alt.value(_ON_GOOD), alt.value(_ON_OTHERS)),
    )
    return alt.LayerChart(layer=[cells, letters], height=_ROW_PIXELS * grid[WELL].nunique())


def _show_gaps(view: page_frame.View, found: pd.DataFrame) -> None:
    if found.empty:
        st.info(
            "Within the recordings no time is missing for a minute or longer.",
            icon=":material/check_circle:",
        )
        return
    st.dataframe(
        found.assign(
            **{
                "from": local_series(found["from"], view.zone),
                "to": local_series(found["to"], view.zone),
            }
        ),
        hide_index=True,
        alt="Gaps in time",
        column_config={
            "from": st.column_config.DatetimeColumn(f"From ({view.zone})", format=_SECOND),
            "to": st.column_config.DatetimeColumn("To", format=_SECOND),
            "minutes": st.column_config.NumberColumn("Minutes", format="%.1f"),
            WELL: "Well",
            RECORDING: "Recording",
        },
    )


def _show_unscorable(view: page_frame.View, found: pd.DataFrame) -> None:
    if found.empty:
        st.info(
            "Every recording has a profile with a sensor that can be scored, or is still in its "
            "commissioning time.",
            icon=":material/check_circle:",
        )
        return
    st.dataframe(
        found.assign(begun=local_series(found["begun"], view.zone)),
        hide_index=True,
        alt="Recordings of which nothing was scored",
        column_config={
            WELL: "Well",
            RECORDING: "Recording",
            "begun": st.column_config.DatetimeColumn(f"Begun ({view.zone})", format=_SECOND),
        },
    )
