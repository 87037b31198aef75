"""The wells × time strip: the worst score of every well in every stretch of time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from dashboard.fleet import Well
from dashboard.snapshot import FIRST, LAST, Snapshot

BINS: Final = 144
_HIGHEST: Final = 2.0
_THRESHOLD: Final = 1.0
_ROW_PIXELS: Final = 22
_GAP: Final = 0.14
_KINDS: Final = {
    "anomaly": "#e03131",
    "scored, below the threshold": "#6c8ebf",
    "not scored": "#adb5bd",
}


def worst_by_bin(
    snapshot: Snapshot, well: Well, span: timedelta, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """A well's worst score in each of equal stretches up to its newest reading.

    Returns
    -------
    Scores, NaN where nothing was scored, and whether there were readings; shape (bins,).
    """
    lines = snapshot.lines(well.places)
    points = lines.shape[1]
    firsts, lasts = (
        snapshot.table[name].to_numpy()[well.places].astype("M8[us]").astype(np.int64)[:, None]
        for name in (FIRST, LAST)
    )
    middles = firsts + (lasts - firsts) * ((np.arange(points) + 0.5) / points)
    end = int(np.datetime64(well.newest, "us").astype(np.int64))
    length = span / timedelta(microseconds=1)
    place = np.floor((middles - (end - length)) * (bins / length)).astype(int)
    inside = (place >= 0) & (place < bins)
    worst, there = np.full(bins, -np.inf), np.zeros(bins, dtype=bool)
    there[place[inside]] = True
    scored = inside & np.isfinite(lines)
    np.maximum.at(worst, place[scored], lines[scored])
    return np.where(np.isfinite(worst), worst, np.nan), there


def span_of(snapshot: Snapshot, wells: Sequence[Well], span: timedelta | None) -> timedelta:
    """The time to draw: the chosen one, else the longest that any well has."""
    if span is not None:
        return span
    firsts = [snapshot.table[FIRST].iloc[well.places.start].to_pydatetime() for well in wells]
    lengths = [well.newest - first for well, first in zip(wells, firsts, strict=True)]
    return max(*lengths, timedelta(minutes=10))


def strip_height(wells: int) -> int:
    """Pixels of the chart's rows."""
    return max(wells * _ROW_PIXELS, 60)


def _bars(snapshot: Snapshot, wells: Sequence[Well], span: timedelta) -> pd.DataFrame:
    """A row a bar: its well, from when to when (hours before the newest reading), how tall."""
    hours = span / timedelta(hours=1)
    found = [worst_by_bin(snapshot, well, span) for well in wells]
    row, shown = np.nonzero(np.array([there for _, there in found]))
    score = np.array([worst for worst, _ in found])[row, shown]
    tall = np.where(np.isfinite(score), np.clip(score / _HIGHEST, 0.08, 1.0), 0.08)
    tall = np.where(score >= _THRESHOLD, 1.0, tall * 0.9)
    kind = np.select([score >= _THRESHOLD, np.isfinite(score)], [0, 1], 2)
    return pd.DataFrame(
        {
            "well": pd.Categorical.from_codes(row, [well.name for well in wells]),
            "from": (shown / BINS - 1) * hours,
            "to": ((shown + 1) / BINS - 1) * hours,
            "bottom": row + 1 - _GAP / 2,
            "top": row + 1 - _GAP / 2 - tall * (1 - _GAP),
            "worst score": score.round(3),
            "kind": pd.Categorical.from_codes(kind, list(_KINDS)),
        }
    ).astype({"well": str, "kind": str})


def strip_chart(snapshot: Snapshot, wells: Sequence[Well], span: timedelta) -> alt.Chart:
    """Draw a row a well: bars as tall as the worst score, anomalies in red and to the top."""
    hours = span / timedelta(hours=1)
    names = [well.name for well in wells]
    labels = " : ".join(f"datum.value == {row + 0.5} ? '{name}'" for row, name in enumerate(names))
    return (
        alt.Chart(_bars(snapshot, wells, span))
        .mark_rect(clip=True)
        .encode(
            x=alt.X(
                "from:Q",
                title="hours before the well's newest reading",
                scale=alt.Scale(domain=[-hours, 0], nice=False),
                axis=alt.Axis(tickCount=8, grid=False),
            ),
            x2="to:Q",
            y=alt.Y(
                "bottom:Q",
                title=None,
                scale=alt.Scale(domain=[0, len(names)], reverse=True, nice=False),
                axis=alt.Axis(
                    values=[row + 0.5 for row in range(len(names))],
                    labelExpr=f"{labels} : ''",
                    grid=False,
                    ticks=False,
                    labelLimit=140,
                    labelOverlap=False,
                ),
            ),
            y2="top:Q",
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(_KINDS), range=list(_KINDS.values())),
                legend=alt.Legend(orient="top", labelLimit=240),
            ),
            tooltip=["well:N", "worst score:Q", "kind:N", alt.Tooltip("from:Q", format=".2f")],
        )
        .properties(height=strip_height(len(names)))
    )
