"""The wells × time strip: the worst score of every well in every stretch of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import altair as alt
import numpy as np
import pandas as pd

from dashboard.curated.snapshot import FIRST, LAST, Snapshot
from dashboard.ui.chart_axes import clock_labels
from dashboard.ui.timezones import for_chart
from dashboard.wells.status import WellStatus

BINS: Final = 144
_HIGHEST: Final = 2.0
_THRESHOLD: Final = 1.0
_ROW_PIXELS: Final = 22
_GAP: Final = 0.14
_KINDS: Final = {
    "anomaly": "#e03131",
    "below threshold": "#6c8ebf",
    "no score": "#adb5bd",
}
_SHORTEST: Final = timedelta(hours=1)
_TOGETHER: Final = 0.25
"""Wells whose newest readings are less than this share of the time apart are drawn by the clock."""

_UNITS: Final = (
    (timedelta(days=730), timedelta(days=365.25), "years"),
    (timedelta(days=3), timedelta(days=1), "days"),
    (timedelta(hours=3), timedelta(hours=1), "hours"),
    (timedelta(0), timedelta(minutes=1), "minutes"),
)


@dataclass(frozen=True, slots=True)
class StripTime:
    """The time that the strip shows: its length, and its end where all wells have the same.

    `end` is `None` where each well's row ends with the well's own newest reading, as in a replay
    of recordings from different years.
    """

    length: timedelta
    end: datetime | None

    def end_of(self, well: WellStatus) -> datetime:
        """When a well's row ends, UTC without a zone."""
        return self.end or well.newest


def strip_time(
    snapshot: Snapshot, wells: Sequence[WellStatus], span: timedelta | None
) -> StripTime:
    """The time to draw: the chosen one, or the longest that any well has where that is shorter;
    by the clock if the newest readings of at least half of the wells are close together.
    """
    newest = max(well.newest for well in wells)
    longest = max(_longest(snapshot, wells), _SHORTEST)
    length = min(span, longest) if span else longest
    current = [well for well in wells if newest - well.newest <= _TOGETHER * length]
    return StripTime(length, newest if 2 * len(current) >= len(wells) > 1 else None)


def _longest(snapshot: Snapshot, wells: Sequence[WellStatus]) -> timedelta:
    firsts = [snapshot.table[FIRST].iloc[well.places.start].to_pydatetime() for well in wells]
    lengths = [well.newest - first for well, first in zip(wells, firsts, strict=True)]
    return max(lengths)


def worst_by_bin(
    snapshot: Snapshot, well: WellStatus, stretch: StripTime, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """A well's worst score in each of equal parts of a stretch of time.

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
    end = int(np.datetime64(stretch.end_of(well), "us").astype(np.int64))
    length = stretch.length / timedelta(microseconds=1)
    place = np.floor((middles - (end - length)) * (bins / length)).astype(int)
    place[middles == end] = bins - 1
    inside = (place >= 0) & (place < bins)
    worst, there = np.full(bins, -np.inf), np.zeros(bins, dtype=bool)
    there[place[inside]] = True
    scored = inside & np.isfinite(lines)
    np.maximum.at(worst, place[scored], lines[scored])
    return np.where(np.isfinite(worst), worst, np.nan), there


def strip_height(wells: int) -> int:
    """Pixels of the chart's rows."""
    return max(wells * _ROW_PIXELS, 60)


def strip_chart(
    snapshot: Snapshot, wells: Sequence[WellStatus], stretch: StripTime, zone: ZoneInfo
) -> alt.Chart:
    """Draw one row per well: bars as tall as the worst score, anomalies in red and to the top."""
    return (
        alt.Chart(_bars(snapshot, wells, stretch, zone))
        .mark_rect(clip=True)
        .encode(
            x=_clock_axis(stretch.end, stretch.length, zone)
            if stretch.end
            else _age_axis(stretch.length),
            x2="to",
            y=_wells_axis([well.name for well in wells]),
            y2="top:Q",
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(_KINDS), range=list(_KINDS.values())),
                legend=alt.Legend(orient="top", labelLimit=240, columnPadding=6),
            ),
            tooltip=["well:N", "worst score:Q", "kind:N", alt.Tooltip("when:N", title="from")],
        )
        .properties(height=strip_height(len(wells)))
    )


def _bars(
    snapshot: Snapshot, wells: Sequence[WellStatus], stretch: StripTime, zone: ZoneInfo
) -> pd.DataFrame:
    """One row per bar; `from` and `to` are times, or how long before the well's newest reading."""
    found = [worst_by_bin(snapshot, well, stretch) for well in wells]
    row, shown = np.nonzero(np.array([there for _, there in found]))
    score = np.array([worst for worst, _ in found])[row, shown]
    is_anomaly = score >= _THRESHOLD
    tall = np.where(np.isfinite(score), np.clip(score / _HIGHEST, 0.08, 1.0) * 0.9, 0.08)
    tall = np.where(is_anomaly, 1.0, tall)
    kind = np.select([is_anomaly, np.isfinite(score)], [0, 1], 2)
    begins = np.array([stretch.end_of(well) - stretch.length for well in wells], dtype="M8[us]")
    width = np.timedelta64(stretch.length / BINS, "us")
    first, last = (
        for_chart(pd.Series(begins[row] + width * part), zone) for part in (shown, shown + 1)
    )
    before = (np.array([shown, shown + 1]) / BINS - 1) * (stretch.length / _unit(stretch.length)[0])
    return pd.DataFrame(
        {
            "well": pd.Categorical.from_codes(row, pd.Index([well.name for well in wells])),
            "from": first if stretch.end else before[0],
            "to": last if stretch.end else before[1],
            "bottom": row + 1 - _GAP / 2,
            "top": row + 1 - _GAP / 2 - tall * (1 - _GAP),
            "worst score": score.round(3),
            "kind": pd.Categorical.from_codes(kind, pd.Index(list(_KINDS))),
            "when": first.dt.strftime("%Y-%m-%d %H:%M"),
        }
    ).astype({"well": str, "kind": str})


def _clock_axis(end: datetime, length: timedelta, zone: ZoneInfo) -> alt.X:
    ends = for_chart(pd.Series([end - length, end]), zone)
    return alt.X(
        "from:T",
        title=f"time ({zone})",
        scale=alt.Scale(type="utc", domain=[int(end.timestamp() * 1000) for end in ends]),
        axis=alt.Axis(
            labelExpr=clock_labels("%d %b %Y"), labelOverlap=True, grid=False, tickCount=8
        ),
    )


def _age_axis(length: timedelta) -> alt.X:
    unit, name = _unit(length)
    return alt.X(
        "from:Q",
        title=f"{name} before the well's newest reading",
        scale=alt.Scale(domain=[-(length / unit), 0], nice=False),
        axis=alt.Axis(tickCount=8, grid=False, labelExpr="format(-datum.value, '~g')"),
    )


def _unit(length: timedelta) -> tuple[timedelta, str]:
    """The unit to tell a length of time in, and its name."""
    return next((unit, name) for least, unit, name in _UNITS if length >= least)


def _wells_axis(names: Sequence[str]) -> alt.Y:
    labels = " : ".join(f"datum.value == {row + 0.5} ? '{name}'" for row, name in enumerate(names))
    return alt.Y(
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
    )
