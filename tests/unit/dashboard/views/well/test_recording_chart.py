"""The chart of a recording: a panel a sensor, red points exactly where a row is flagged."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.ui.chart_axes import ANOMALY_COLOUR
from dashboard.ui.units import Scale, labelled, scale_of, spelled_out
from dashboard.views.well.recording_chart import (
    anomaly_points,
    degraded_throughout,
    recording_chart,
    sensor_line,
)
from petrostream.schema.sensors import SENSORS


@pytest.fixture
def rows() -> pd.DataFrame:
    """An hour of two sensors; commissioning for 15 minutes, flagged in the last ten."""
    flag = np.zeros(3600, dtype="int8")
    flag[3000:] = 1
    pressure = 37e6 + np.arange(3600.0)
    pressure[3100:3200] = np.nan
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2017-02-01 02:00:00", periods=3600, freq="s", unit="us"),
            "P-PDG": pressure,
            "ESTADO-DHSV": np.repeat([1.0, 0.0], 1800),
            "status": ["commissioning"] * 900 + ["scored"] * 2700,
            "anomaly_score": [np.nan] * 900 + [0.5] * 2100 + [1.25] * 600,
            "anomaly_flag": flag,
            "top_sensor": [None] * 900 + ["P-PDG"] * 2700,
            "degraded_sensors": "P-PDG=frozen ESTADO-DHSV=frozen",
        }
    )


def layers(panel: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    return [layer for layer in panel["layer"] if layer["mark"]["type"] == mark]


def data_of(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = spec["datasets"][layer["data"]["name"]]
    return records


def test_every_flagged_row_is_a_point_and_no_other(rows: pd.DataFrame) -> None:
    points = anomaly_points(rows, ["P-PDG"])
    flagged = rows[rows["anomaly_flag"] == 1]
    assert points["time (UTC)"].dt.tz_localize(None).tolist() == flagged["timestamp"].tolist()
    np.testing.assert_allclose(points["P-PDG (MPa)"], flagged["P-PDG"] / 1e6)
    assert points["anomaly score"].tolist() == [1.25] * 600


def test_a_panel_for_each_sensor_and_one_for_the_score(rows: pd.DataFrame) -> None:
    spec = recording_chart(rows, ["P-PDG", "ESTADO-DHSV"]).to_dict()
    titles = [panel["title"] for panel in spec["vconcat"]]
    assert titles[0]["text"] == "P-PDG, pressure at the permanent downhole gauge"
    assert titles[0]["subtitle"] == "frozen all the time"
    assert titles[1]["text"] == "ESTADO-DHSV, state of the downhole safety valve"
    assert titles[2]["text"].startswith("Anomaly score")
    assert spec["resolve"] == {"scale": {"x": "shared"}}


@pytest.mark.parametrize("sensors", [["P-PDG", "ESTADO-DHSV"], []])
def test_all_panels_zoom_together(rows: pd.DataFrame, sensors: list[str]) -> None:
    spec = recording_chart(rows, sensors).to_dict()
    names = [layer["name"] for panel in spec["vconcat"] for layer in layers(panel, "line")]
    [zoom] = spec["params"]
    assert (zoom["bind"], zoom["select"]["encodings"]) == ("scales", ["x"])
    assert zoom["views"] == names
    assert len(names) == len(sensors) + 1


def test_points_are_red_and_all_drawn_in_every_panel(rows: pd.DataFrame) -> None:
    spec = recording_chart(rows, ["P-PDG", "ESTADO-DHSV"]).to_dict()
    fields = ["P-PDG (MPa)", "ESTADO-DHSV", "anomaly score"]
    for panel, field in zip(spec["vconcat"], fields, strict=True):
        [points] = layers(panel, "circle")
        assert points["mark"]["color"] == ANOMALY_COLOUR
        assert points["encoding"]["y"]["field"] == field
        assert len(data_of(spec, points)) == 600


def test_the_threshold_is_at_one(rows: pd.DataFrame) -> None:
    spec = recording_chart(rows, ["P-PDG"]).to_dict()
    [rule] = layers(spec["vconcat"][-1], "rule")
    assert data_of(spec, rule) == [{"threshold": 1.0}]


def test_time_is_utc_and_axes_have_units(rows: pd.DataFrame) -> None:
    spec = recording_chart(rows, ["P-PDG"]).to_dict()
    [drawn] = layers(spec["vconcat"][0], "line")
    assert drawn["encoding"]["x"]["scale"] == {"type": "utc"}
    assert drawn["encoding"]["y"]["title"] == "MPa"
    assert layers(spec["vconcat"][-1], "line")[0]["encoding"]["x"]["title"] == "time (UTC)"


def test_valves_are_drawn_in_steps(rows: pd.DataFrame) -> None:
    spec = recording_chart(rows, ["ESTADO-DHSV", "P-PDG"]).to_dict()
    shapes = [layers(panel, "line")[0]["mark"]["interpolate"] for panel in spec["vconcat"][:2]]
    assert shapes == ["step-after", "linear"]


def test_a_line_breaks_where_readings_are_missing(rows: pd.DataFrame) -> None:
    drawn = sensor_line(rows, "P-PDG", 1e-6)
    assert drawn["value"].isna().sum() == 1
    assert drawn["value"].max() == pytest.approx(37.003599)


def test_a_recording_without_anomalies_or_sensors_is_drawn_too(rows: pd.DataFrame) -> None:
    quiet = rows.iloc[900:2000]
    assert len(recording_chart(quiet, ["P-PDG"]).to_dict()["vconcat"]) == 2
    assert len(recording_chart(quiet, []).to_dict()["vconcat"]) == 1


def test_a_sensor_is_degraded_throughout_only_if_it_always_is(rows: pd.DataFrame) -> None:
    assert degraded_throughout(rows, "P-PDG") == "frozen all the time"
    assert degraded_throughout(rows, "ESTADO-DHSV") is None, "valves keep their state for days"
    some = rows.assign(degraded_sensors=["P-PDG=frozen"] * 3599 + [""])
    assert degraded_throughout(some, "P-PDG") is None


def test_every_sensor_has_words_and_a_scale() -> None:
    for sensor in SENSORS:
        assert sensor.description in spelled_out(sensor.name)
        scale = scale_of(sensor.name)
        assert scale == Scale(sensor.unit) or scale.factor != 1.0, "as stored, or on another scale"
    assert scale_of("P-PDG") == Scale("MPa", 1e-6)
    assert labelled("T-TPT") == "T-TPT (°C)"
    assert labelled("ESTADO-W1") == "ESTADO-W1"
