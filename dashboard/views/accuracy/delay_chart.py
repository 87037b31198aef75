"""The chart of detection delays: one row per class, one mark per event, on a logarithmic axis."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import altair as alt
import pandas as pd

from dashboard.ui.chart_axes import ink
from dashboard.views.accuracy.outcome_tables import class_name
from petrostream.durations import duration
from petrostream.evaluation.metrics import DetectionMetrics

REPLAYED: Final = "replayed"
EVALUATED: Final = "published model's evaluation"
_KINDS: Final = {REPLAYED: ("circle", "#228be6"), EVALUATED: ("diamond", "#e8890c")}
_SHORTEST: Final = 1.0
_LEAST_LONGEST: Final = 3600.0
_TO_MISSED: Final = 2.5
_TO_EDGE: Final = 25.0
"""The axis goes on beyond the longest delay: room for what was not found, and for the medians."""
_LANE: Final = 24
_AROUND: Final = 110
"""Pixels of legend, axis and its title: Streamlit counts them in."""

_TICKS: Final[dict[float, str]] = {
    1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 14_400: "4 h", 86_400: "1 d",
}  # fmt: skip
_TEXT: Final = 12
_RULE: Final = "#868e96"


def delay_chart(found: Mapping[str, Mapping[int, DetectionMetrics]]) -> alt.LayerChart:
    """Draw them; `found` has metrics by class for `REPLAYED` and `EVALUATED`, either or both."""
    kinds = [kind for kind in _KINDS if found.get(kind)]
    faults = sorted({fault for kind in kinds for fault in found[kind]})
    lanes = len(kinds) + 1
    delays = [each for kind in kinds for one in found[kind].values() for each in one.delays]
    longest = max([_LEAST_LONGEST, *delays])
    marks, texts = _marks(found, kinds, faults, longest)
    y = alt.Y(
        "row:Q",
        axis=None,
        scale=alt.Scale(domain=[0, len(faults) * lanes], reverse=True, nice=False),
    )
    time = _time(longest, with_missed=bool(texts["missed"].any()))
    tops = [{"row": row * lanes} for row in range(len(faults))]
    names = [
        {"row": row * lanes + 0.55, "name": class_name(fault)} for row, fault in enumerate(faults)
    ]
    layers = [
        alt.Chart(pd.DataFrame(tops)).mark_rule(color=_RULE, opacity=0.3).encode(y=y),
        _points(marks, kinds).encode(x=time, y=y),
        _words(pd.DataFrame(names), "name", "left").encode(x=alt.value(0), y=y),
        _words(texts, "missed", "center").encode(x=time, y=y),
        _words(texts, "median", "right").encode(x=alt.value("width"), y=y),
    ]
    return alt.LayerChart(layer=layers, height=len(faults) * lanes * _LANE + _AROUND)


def _points(marks: pd.DataFrame, kinds: Sequence[str]) -> alt.Chart:
    """A mark for each event found; what it is of says its shape as well as its colour."""
    legend = alt.Legend(orient="top", labelLimit=240, title=None)
    shapes, colours = zip(*(_KINDS[kind] for kind in kinds), strict=True)
    drawn: alt.Chart = (
        alt.Chart(marks)
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=kinds, range=list(shapes)), legend=legend
            ),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=kinds, range=list(colours)), legend=legend
            ),
            tooltip=["class:N", "kind:N", "delay:N"],
        )
    )
    return drawn


def _words(table: pd.DataFrame, field: str, align: Literal["left", "center", "right"]) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(table)
        .mark_text(align=align, baseline="middle", fontSize=_TEXT, color=ink())
        .encode(text=f"{field}:N")
    )
    return drawn


def _marks(
    found: Mapping[str, Mapping[int, DetectionMetrics]],
    kinds: Sequence[str],
    faults: Sequence[int],
    longest: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each event found; a row of words for each class and kind."""
    marks: list[dict[str, object]] = []
    texts: list[dict[str, object]] = []
    for row, fault in enumerate(faults):
        for lane, kind in enumerate(kinds, 1):
            one = found[kind].get(fault)
            if one is None or not one.events:
                continue
            place = {"row": row * (len(kinds) + 1) + lane + 0.45, "kind": kind}
            marks += [
                place
                | {
                    "seconds": max(each, _SHORTEST),
                    "class": class_name(fault),
                    "delay": duration(each),
                }
                for each in one.delays
            ]
            texts.append(
                place
                | {
                    "seconds": longest * _TO_MISSED,
                    "missed": f"✕ {one.missed}" if one.missed else "",
                    "median": f"median {duration(one.median_delay)}" if one.delays else "",
                }
            )
    return pd.DataFrame(marks, columns=["row", "kind", "seconds", "class", "delay"]), pd.DataFrame(
        texts, columns=["row", "kind", "seconds", "missed", "median"]
    )


def _time(longest: float, *, with_missed: bool) -> alt.X:
    ticks = {seconds: words for seconds, words in _TICKS.items() if seconds <= longest}
    if with_missed:
        ticks[longest * _TO_MISSED] = "✕"
    named = " : ".join(f"datum.value == {seconds} ? '{words}'" for seconds, words in ticks.items())
    return alt.X(
        "seconds:Q",
        title="from the first abnormal reading to the alarm" + "; ✕ not found" * with_missed,
        scale=alt.Scale(type="log", domain=[_SHORTEST, longest * _TO_EDGE], nice=False),
        axis=alt.Axis(values=[*ticks], labelExpr=f"{named} : ''", labelOverlap=True),
    )
