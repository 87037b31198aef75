"""A well over days: its score from the summaries, its sensors from the summaries' bodies."""

from typing import Final

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard.curated.snapshot import FIRST, LAST
from dashboard.shell import page_frame
from dashboard.ui import selectors
from dashboard.ui.timezones import for_chart
from dashboard.ui.units import scale_of, spelled_out
from dashboard.ui.wording import span
from dashboard.views.well import recording_chart
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries

_POINTS: Final = 1500
_READ_AT_ONCE: Final = 300


def show_long(view: page_frame.View, well: str, places: np.ndarray, name: str) -> None:
    """Draw a well's batches: a stretch from lowest to highest reading for each, and the score."""
    table = view.snapshot.table.iloc[places]
    there = summaries.missing_share(view.snapshot.sensors(places)).min(axis=0) < 1
    sensors = selectors.choose_sensors(
        [each for place, each in enumerate(SENSOR_NAMES) if there[place]]
    )
    bodies, unread = view.curated.figures(
        [view.snapshot.summary_key(place) for place in places[::-1]], at_once=_READ_AT_ONCE
    )
    bodies = bodies[::-1]
    times = for_chart(table[FIRST], view.zone), for_chart(table[LAST], view.zone)
    shown = span(times[0].iloc[0].to_pydatetime(), times[1].iloc[-1].to_pydatetime())
    st.caption(f"{shown} ({view.zone})")
    if unread:
        more = "" if view.is_live else "; Refresh reads more"
        st.caption(
            f"Sensors: the newest {len(places) - unread:,} of {len(places):,} batches read so far"
            f"{more}."
        )
    panels = [_sensor_panel(*times, sensor, bodies) for sensor in sensors]
    panels.append(_score_panel(view, places, str(view.zone)))
    with st.container(horizontal=True, wrap=False, gap=None):
        st.altair_chart(
            recording_chart.zoomable(panels),
            width="stretch",
            key="long readings",
            alt=f"{well}: lowest and highest readings of the chosen sensors, and the anomaly score",
        )
        st.space(recording_chart.BESIDE_PLOT)
    flagged = int(table["anomalies"].sum())
    st.caption(
        f"Each stretch is a batch, from its lowest to its highest reading; red ones hold anomalies "
        f"({flagged:,} readings in {name}). Choose 24 h or less to see every one of them."
    )


def _sensor_panel(
    firsts: pd.Series, lasts: pd.Series, sensor: str, bodies: list[dict[str, dict[str, float]]]
) -> alt.LayerChart:
    factor = scale_of(sensor).factor
    found = [body.get(sensor, {}) for body in bodies]
    drawn = pd.DataFrame(
        {
            "start": firsts.to_numpy(),
            "end": lasts.to_numpy(),
            "low": [each.get("min", np.nan) * factor for each in found],
            "high": [each.get("max", np.nan) * factor for each in found],
        }
    ).dropna()
    return recording_chart.range_panel(drawn, sensor, spelled_out(sensor))


def _score_panel(view: page_frame.View, places: np.ndarray, clock: str) -> alt.LayerChart:
    """The worst score of each twelfth of a batch, the highest ones where there are too many."""
    table = view.snapshot.table.iloc[places]
    lines = view.snapshot.lines(places)
    points = lines.shape[1]
    firsts = table[FIRST].to_numpy()[:, np.newaxis]
    lengths = (table[LAST] - table[FIRST]).to_numpy()[:, np.newaxis]
    times = (firsts + lengths * ((np.arange(points) + 0.5) / points)).ravel()
    scores = lines.ravel()
    times, scores = times[np.isfinite(scores)], scores[np.isfinite(scores)]
    step = max(len(scores) // _POINTS, 1)
    groups = np.arange(len(scores)) // step
    worst = (
        pd.DataFrame({"time": times, "score": scores})
        .groupby(groups)
        .agg({"time": "first", "score": "max"})
    )
    shown = pd.Series(worst["time"].to_numpy())
    return recording_chart.score_bars(for_chart(shown, view.zone), worst["score"].to_numpy(), clock)
