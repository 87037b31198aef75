"""Draw one recording: a panel for each sensor and one for the score, on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from dashboard.ui.chart_axes import (
    ANOMALY_COLOUR,
    AXIS_WIDTH,
    END,
    GREY,
    LINE_COLOUR,
    START,
    TIME,
    Axis,
    time_axis,
    value_axis,
)
from dashboard.ui.units import labelled, scale_of, spelled_out
from dashboard.views.well.band_layers import (
    band_layer,
    hour_layers,
    in_unit,
    normal_words,
    shown_range,
)
from dashboard.views.well.downsampling import line
from dashboard.views.well.span_layers import (
    alarm_layer,
    label_layer,
    label_spans,
    unscored_layer,
    unscored_spans,
)
from petrostream.detection.degraded import degraded_sensors
from petrostream.schema.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    DEGRADED_SENSORS,
    TIMESTAMP,
    TOP_SENSOR,
)
from petrostream.schema.sensors import BY_NAME, Kind

THRESHOLD: Final = 1.0
"""The anomaly score from which the pipeline flags a reading."""

_THRESHOLD_COLOUR: Final = "#e8890c"
_PANEL_HEIGHT: Final = 190
_SCORE_HEIGHT: Final = 130
BESIDE_PLOT: Final = AXIS_WIDTH + 36
"""Pixels that axes and margins take beside the plot; Streamlit gives the plot the whole width."""
_VALUE: Final = "value"
_SCORE: Final = "anomaly score"
_DRIVER: Final = "furthest off"
_LABEL_HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Context:
    """What is drawn around the readings; times as stored, values in the sensors' own units.

    `alarms` has columns `start`, `end` and `alarm` (in words); `bands` has, by sensor, columns
    `start`, `end`, `low` and `high`, which may be infinite; `ahead` has the forecasts, by sensor,
    with columns `time`, `middle`, `low`, `high` and `came`. `clock` names the zone of the time
    axis.
    """

    alarms: pd.DataFrame
    bands: Mapping[str, pd.DataFrame]
    ahead: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    clock: str = "UTC"


def recording_chart(
    rows: pd.DataFrame, sensors: Sequence[str], context: Context | None = None
) -> alt.VConcatChart:
    """Draw sensors' readings with every anomaly as a red point, and the score below.

    Parameters
    ----------
    rows
        Rows of one well in the order of time, with `timestamp`, the sensors and the verdict.
    sensors
        The sensors to draw, one panel each.
    context
        Alarms and profiles to draw behind them.
    """
    known = context or Context(alarms=pd.DataFrame(), bands={})
    anomalies = anomaly_points(rows, sensors)
    behind = [*unscored_layer(unscored_spans(rows)), *alarm_layer(known.alarms)]
    panels = [_sensor_panel(rows, sensor, anomalies, behind, known) for sensor in sensors]
    panels.append(_score_panel(rows, anomalies, behind, known.clock))
    labels = label_spans(rows)
    if len(labels):
        panels.append(_panel([label_layer(labels)], "3W label, given by experts", _LABEL_HEIGHT))
    return zoomable(panels)


def zoomable(panels: Sequence[alt.LayerChart]) -> alt.VConcatChart:
    """Put panels below each other, on one time axis that can be dragged and zoomed.

    The zoom is by the name of the time's field, so the named layer of every panel has that one.
    """
    chart: alt.VConcatChart = (
        alt.vconcat(*panels, spacing=18)
        .resolve_scale(x="shared")
        .configure(customFormatTypes=True)
        .configure_title(anchor="start", fontSize=13, offset=8)
    )
    chart.params = [_zoom(chart)]
    return chart


def _zoom(chart: alt.VConcatChart) -> alt.TopLevelSelectionParameter:
    """Pan and zoom of all panels' time; without Ctrl the wheel scrolls the page.

    It is set in each panel's one layer with a name, which Altair has changed by now.
    """
    layers = [layer for panel in chart.vconcat for layer in panel.layer]
    return alt.TopLevelSelectionParameter(
        name="zoom",
        views=[layer.name for layer in layers if layer.name is not alt.Undefined],
        bind="scales",
        select=alt.IntervalSelectionConfig(
            type="interval", encodings=["x"], zoom="wheel![event.ctrlKey || event.metaKey]"
        ),
    )


def range_panel(ranges: pd.DataFrame, sensor: str, title: str) -> alt.LayerChart:
    """Draw stretches of time from `low` to `high`."""
    unit = scale_of(sensor).unit or "state"
    drawn = (
        alt.Chart(ranges.rename(columns={START: TIME}), name=sensor)
        .mark_rect(color=LINE_COLOUR, stroke=LINE_COLOUR, strokeWidth=1, clip=True)
        .encode(
            x=time_axis(),
            x2=f"{END}:T",
            y=value_axis("low", unit),
            y2="high:Q",
            tooltip=[alt.Tooltip(f"{name}:Q", format=".6~g") for name in ("low", "high")],
        )
    )
    return _panel([drawn], title, _PANEL_HEIGHT)


def score_bars(times: pd.Series, scores: np.ndarray, clock: str) -> alt.LayerChart:
    """Draw worst scores as thin bars, those from the threshold on in red."""
    drawn = (
        alt.Chart(pd.DataFrame({TIME: times.to_numpy(), _SCORE: scores}), name=_SCORE)
        .mark_rule(strokeWidth=1.4, clip=True)
        .encode(
            x=time_axis(f"time ({clock})"),
            y=value_axis(_SCORE, "score"),
            y2=alt.datum(0),
            color=alt.condition(
                f"datum['{_SCORE}'] >= {THRESHOLD}",
                alt.value(ANOMALY_COLOUR),
                alt.value(GREY),
            ),
        )
    )
    dashed = f"dashed is the threshold {THRESHOLD}"
    layers = [drawn, _threshold()]
    return _panel(layers, "Anomaly score, the worst of each stretch", _SCORE_HEIGHT, dashed)


def _threshold() -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(pd.DataFrame({"threshold": [THRESHOLD]}))
        .mark_rule(color=_THRESHOLD_COLOUR, strokeWidth=1.5, strokeDash=[6, 4])
        .encode(y="threshold:Q")
    )
    return drawn


def anomaly_points(rows: pd.DataFrame, sensors: Sequence[str]) -> pd.DataFrame:
    """Every flagged row: its time, score, top sensor, and the sensors on the scale shown."""
    flagged = rows[rows[ANOMALY_FLAG] == 1]
    points: dict[str, pd.Series] = {
        TIME: flagged[TIMESTAMP].dt.tz_localize("UTC"),
        _SCORE: flagged[ANOMALY_SCORE].astype(float),
        _DRIVER: flagged[TOP_SENSOR],
    }
    values = {labelled(name): flagged[name] * scale_of(name).factor for name in sensors}
    return pd.DataFrame(points | values).reset_index(drop=True)


def sensor_line(rows: pd.DataFrame, column: str, factor: float = 1.0) -> pd.DataFrame:
    """A column's readings, thinned and broken at gaps, each multiplied by `factor`."""
    times, values = line(
        rows[TIMESTAMP].to_numpy(), rows[column].to_numpy(dtype=float, na_value=np.nan)
    )
    return pd.DataFrame({TIME: pd.to_datetime(times).tz_localize("UTC"), _VALUE: values * factor})


def degraded_throughout(rows: pd.DataFrame, sensor: str) -> str | None:
    """Why a sensor was not scored in any of the rows; `None` where it was in some."""
    reasons = {degraded_sensors(text).get(sensor) for text in rows[DEGRADED_SENSORS].unique()}
    return None if None in reasons else f"{' or '.join(sorted(filter(None, reasons)))} all the time"


def _sensor_panel(
    rows: pd.DataFrame,
    sensor: str,
    anomalies: pd.DataFrame,
    behind: Sequence[alt.Chart],
    context: Context,
) -> alt.LayerChart:
    scale = scale_of(sensor)
    unit = scale.unit or "state"
    is_valve = BY_NAME[sensor].kind is Kind.VALVE
    band = in_unit(context.bands.get(sensor), scale.factor)
    ahead = in_unit(context.ahead.get(sensor), scale.factor)
    room = shown_range(
        rows[sensor].to_numpy(dtype=float, na_value=np.nan) * scale.factor, band, ahead
    )
    axis = partial(value_axis, title=unit, room=room)
    drawn = (
        alt.Chart(sensor_line(rows, sensor, scale.factor), name=sensor)
        .mark_line(
            color=LINE_COLOUR,
            strokeWidth=1.4,
            strokeCap="round",
            interpolate="step-after" if is_valve else "linear",
        )
        .encode(x=time_axis(), y=axis(_VALUE))
    )
    layers = [*behind, *band_layer(band, axis, room), drawn, *hour_layers(ahead, axis)]
    layers.append(_points(anomalies, labelled(sensor), axis))
    said = filter(None, (degraded_throughout(rows, sensor), normal_words(band, unit)))
    return _panel(layers, spelled_out(sensor), _PANEL_HEIGHT, "; ".join(said))


def _score_panel(
    rows: pd.DataFrame, anomalies: pd.DataFrame, behind: Sequence[alt.Chart], clock: str
) -> alt.LayerChart:
    """Draw the score; it has a point for every anomaly, also where a sensor has no reading."""
    drawn = (
        alt.Chart(sensor_line(rows, ANOMALY_SCORE), name=_SCORE)
        .mark_line(color=GREY, strokeWidth=1.4, strokeCap="round")
        .encode(x=time_axis(f"time ({clock})"), y=value_axis(_VALUE, "score"))
    )
    title = f"Anomaly score: a reading is an anomaly from {THRESHOLD} (dashed) on"
    points = _points(anomalies, _SCORE, partial(value_axis, title="score"))
    return _panel([*behind, drawn, _threshold(), points], title, _SCORE_HEIGHT)


def _points(anomalies: pd.DataFrame, column: str, axis: Axis) -> alt.Chart:
    fields = dict.fromkeys([column, _SCORE])
    points: alt.Chart = (
        alt.Chart(anomalies)
        .mark_circle(color=ANOMALY_COLOUR, size=14, opacity=1, clip=True)
        .encode(
            x=f"{TIME}:T",
            y=axis(column),
            tooltip=[
                alt.Tooltip(f"{TIME}:T", format="%Y-%m-%d %H:%M:%S", formatType="utcFormat"),
                *(alt.Tooltip(f"{name}:Q", format=".6~g") for name in fields),
                alt.Tooltip(f"{_DRIVER}:N"),
            ],
        )
    )
    return points


def _panel(layers: list[alt.Chart], title: str, height: int, subtitle: str = "") -> alt.LayerChart:
    named = alt.TitleParams(title[0].upper() + title[1:])
    if subtitle:
        named.subtitle, named.subtitleColor = subtitle, GREY
    return alt.LayerChart(layer=layers, title=named, height=height)
