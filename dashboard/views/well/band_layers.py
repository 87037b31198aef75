"""What a sensor is expected to read: the band that is normal, and the next hour."""

from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from dashboard.ui.chart_axes import END, GREY, LINE_COLOUR, START, TIME, Axis

_BAND_COLOUR: Final = "#2f9e44"
_MOST_FLATTENED: Final = 4
"""A band's edge is shown where readings and forecast keep a quarter of the panel's height."""
_LEAST_RANGE: Final = 1e-4
"""What counts as the range of readings that stand still, relative to them."""


def shown_range(
    values: np.ndarray, band: pd.DataFrame, ahead: pd.DataFrame
) -> tuple[float, float] | None:
    """Lowest and highest value that a panel shows; `None` where there is none.

    Readings, forecast and what came are in sight, all of them; an edge of the band is where that
    does not flatten them too much.
    """
    parts = [values, *(ahead[name].to_numpy() for name in ("low", "high", "came") if len(ahead))]
    shown = np.concatenate(parts)
    shown = shown[np.isfinite(shown)]
    if not len(shown):
        return None
    low, high = float(shown.min()), float(shown.max())
    most = _MOST_FLATTENED * max(high - low, _LEAST_RANGE * max(abs(low), abs(high)))
    edges = [*band["low"], *band["high"]] if len(band) else []
    for edge in sorted(edges, key=lambda each: max(low - each, each - high)):
        if max(high, edge) - min(low, edge) <= most:
            low, high = min(low, edge), max(high, edge)
    return low, high


def in_unit(table: pd.DataFrame | None, factor: float) -> pd.DataFrame:
    """A band or an hour with its values multiplied by a factor; empty where there is none."""
    if table is None or table.empty:
        return pd.DataFrame()
    values = [name for name in ("low", "high", "middle", "came") if name in table]
    return table.assign(**{name: table[name] * factor for name in values})


def band_layer(band: pd.DataFrame, axis: Axis, room: tuple[float, float] | None) -> list[alt.Chart]:
    """What the detector takes for normal; its centre is not drawn: the line is near it."""
    if band.empty or room is None:
        return []
    beyond = 2 * (room[1] - room[0]) + abs(room[1])
    shown = band.assign(
        bottom=band["low"].clip(room[0] - beyond, room[1] + beyond),
        top=band["high"].clip(room[0] - beyond, room[1] + beyond),
        normal=[_words(low, high) for low, high in zip(band["low"], band["high"], strict=True)],
    ).drop(columns=["low", "high"])
    drawn = (
        alt.Chart(shown)
        .mark_rect(color=_BAND_COLOUR, opacity=0.16, clip=True)
        .encode(
            x=f"{START}:T",
            x2=f"{END}:T",
            y=axis("bottom"),
            y2="top:Q",
            tooltip=[alt.Tooltip("normal:N")],
        )
    )
    return [drawn]


def normal_words(band: pd.DataFrame, unit: str) -> str | None:
    """The newest band in words."""
    if band.empty or not np.isfinite(band[["low", "high"]].iloc[-1]).any():
        return None
    return f"normal {_words(band['low'].iloc[-1], band['high'].iloc[-1])} {unit}"


def _words(low: float, high: float) -> str:
    if np.isfinite(low):
        return f"{low:.4g} to {high:.4g}" if np.isfinite(high) else f"from {low:.4g}"
    return f"up to {high:.4g}" if np.isfinite(high) else "any, while alone"


def hour_layers(ahead: pd.DataFrame, axis: Axis) -> list[alt.Chart]:
    """The next hour: dashed, in an interval with dotted edges; what came then is a thin line."""
    if ahead.empty:
        return []
    hour = alt.Chart(ahead.rename(columns={"time": TIME})).encode(x=f"{TIME}:T")
    interval = hour.mark_area(color=LINE_COLOUR, opacity=0.18, clip=True).encode(
        y=axis("low"),
        y2="high:Q",
        tooltip=[
            alt.Tooltip(f"{TIME}:T", format="%Y-%m-%d %H:%M", formatType="utcFormat"),
            *(alt.Tooltip(f"{name}:Q", format=".6~g") for name in ("middle", "low", "high")),
        ],
    )
    looks: dict[str, dict[str, Any]] = {
        "came": {"color": GREY, "strokeWidth": 1},
        "low": {"color": LINE_COLOUR, "strokeWidth": 1, "strokeDash": [1, 3]},
        "high": {"color": LINE_COLOUR, "strokeWidth": 1, "strokeDash": [1, 3]},
        "middle": {"color": LINE_COLOUR, "strokeWidth": 1.8, "strokeDash": [6, 4]},
    }
    return [
        interval,
        *(
            hour.mark_line(clip=True, **look).encode(y=axis(name))
            for name, look in looks.items()
            if ahead[name].notna().any()
        ),
    ]
