"""Axes, colours and names that charts share."""

from collections.abc import Callable
from typing import Final

import altair as alt
import streamlit as st

TIME: Final = "time (UTC)"
"""The time's field in every panel: the shared zoom goes by its name."""
START: Final = "start"
END: Final = "end"
LINE_COLOUR: Final = "#3d85c6"
GREY: Final = "#868e96"
ANOMALY_COLOUR: Final = "#e03131"
_LIGHT, _DARK = "#495057", "#ced4da"
AXIS_WIDTH: Final = 52
_TICKS: Final = 10
Axis = Callable[[str], alt.Y]
"""The value axis of a panel, for a column."""


def ink() -> str:
    """The colour of words in a chart, in the visitor's theme."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def clock_labels(date: str = "%d %b") -> str:
    """Labels of a time axis, as a Vega expression: a 24-hour clock, the date at midnight."""
    return (
        "utchours(datum.value) + utcminutes(datum.value) + utcseconds(datum.value) == 0"
        f" ? utcFormat(datum.value, '{date}') : utcseconds(datum.value) == 0"
        " ? utcFormat(datum.value, '%H:%M') : utcFormat(datum.value, '%H:%M:%S')"
    )


def time_axis(title: str | None = None) -> alt.X:
    """The time axis of a panel; the lowest one has a title, and labels."""
    return alt.X(
        f"{TIME}:T",
        title=title,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            labels=title is not None,
            ticks=title is not None,
            labelExpr=clock_labels(),
            labelOverlap="greedy",
            tickCount=_TICKS,
        ),
    )


def value_axis(column: str, title: str, room: tuple[float, float] | None = None) -> alt.Y:
    """The value axis of a panel, from and to the values of `room` where that is given."""
    return alt.Y(
        f"{column}:Q",
        title=title,
        scale=alt.Scale(
            zero=False, nice=True, domain=alt.Undefined if room is None else list(room)
        ),
        axis=alt.Axis(minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, format=".6~g"),
    )
