"""The band that is normal and the next hour, as the page draws them."""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.alarms import Alarm
from dashboard.charts import Context, recording_chart
from dashboard.expected import normal_words, shown_range
from dashboard.normal import SPREADS, Normal, bands, find_normal
from dashboard.views.well import alarm_spans
from petrostream.events import Event
from petrostream.models import Model
from petrostream.profiles import Profile, SensorProfile, SensorState
from petrostream.tolerance import tolerances

SENSORS = ("P-TPT", "T-TPT")


@pytest.fixture
def rows() -> pd.DataFrame:
    """Twenty minutes of one recording and ten of another."""
    number = 1800
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2017-02-01 02:00:00", periods=number, freq="s", unit="us"),
            "recording": ["WELL-1_1"] * 1200 + ["WELL-1_2"] * 600,
            "P-TPT": 1e7 + 1e4 * np.sin(np.arange(number)),
            "T-TPT": 60 + 0.1 * np.cos(np.arange(number)),
            "status": "scored",
            "anomaly_score": 1.1,
            "anomaly_flag": np.repeat([0, 1], 900).astype("int8"),
            "top_sensor": "P-TPT",
            "degraded_sensors": ["T-TPT=frozen"] * 1200 + [""] * 600,
        }
    )


def profile(recording: str) -> Profile:
    sensors = {
        "P-TPT": SensorProfile(SensorState.LIVE, 1e7, 1e4, 900),
        "T-TPT": SensorProfile(SensorState.LIVE, 60.0, 0.1, 900),
        "P-PDG": SensorProfile(SensorState.FROZEN, 0.0, 0.0, 900),
    }
    return Profile("WELL-1", recording, 0, 900_000_000, sensors)


PROFILES = {"WELL-1_1": profile("WELL-1_1"), "WELL-1_2": profile("WELL-1_2"), "WELL-1_3": None}


def test_the_band_is_the_detectors_in_each_recording(rows: pd.DataFrame, model: Model) -> None:
    normal = Normal(model.detector).in_rows(rows, PROFILES)
    alone = tolerances(model.detector, profile("WELL-1_1"), broken=["T-TPT"])
    both = tolerances(model.detector, profile("WELL-1_2"))
    assert normal == {"WELL-1_1": alone, "WELL-1_2": both}
    first, second = bands(rows, "P-TPT", normal).itertuples(index=False)
    assert (first.low, first.high) == (alone["P-TPT"].low, alone["P-TPT"].high)
    assert (second.low, second.high) == (both["P-TPT"].low, both["P-TPT"].high)
    assert (first.end - first.start).total_seconds() == 1199
    assert len(bands(rows, "T-TPT", normal)) == 1, "it is not scored in the first one"
    assert bands(rows, "P-PDG", normal).empty


def test_without_a_model_the_band_is_some_spreads_wide(rows: pd.DataFrame) -> None:
    known = Normal(None).in_rows(rows, PROFILES)["WELL-1_2"]
    assert set(known) == {"P-TPT", "T-TPT"}
    assert known["T-TPT"].high == pytest.approx(60 + SPREADS * 0.1)
    assert known["T-TPT"].edges_off(60 - SPREADS * 0.1) == pytest.approx(-1)


def test_no_model_at_all_is_no_fault(provisioned) -> None:
    assert find_normal().detector is None


def band(low: float, high: float) -> pd.DataFrame:
    times = pd.to_datetime(["2017-02-01 02:00:00Z", "2017-02-01 02:30:00Z"])
    return pd.DataFrame({"start": times[:1], "end": times[1:], "low": [low], "high": [high]})


@pytest.mark.parametrize(
    ("edges", "shown"),
    [
        ((0.0, 3.0), (0, 3)),
        ((0.5, 100.0), (0.5, 2)),
        ((-100.0, 100.0), (1, 2)),
        ((-np.inf, np.inf), (1, 2)),
    ],
)
def test_an_edge_is_in_sight_unless_it_flattens_the_readings(
    edges: tuple[float, float], shown: tuple[float, float]
) -> None:
    values = np.array([1.0, np.nan, 2.0])
    assert shown_range(values, band(*edges), pd.DataFrame()) == shown


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ((8.0, 12.0), "normal 8 to 12 MPa"),
        ((-np.inf, 12.0), "normal up to 12 MPa"),
        ((8.0, np.inf), "normal from 8 MPa"),
        ((-np.inf, np.inf), None),
    ],
)
def test_a_band_in_words(edges: tuple[float, float], words: str | None) -> None:
    assert normal_words(band(*edges), "MPa") == words


def hour(middle: float, came: float = np.nan) -> pd.DataFrame:
    times = pd.date_range("2017-02-01 02:30:30", periods=60, freq="min", tz="UTC")
    width = 1e4 * np.arange(1, 61)
    return pd.DataFrame(
        {"time": times, "middle": middle, "low": middle - width, "high": middle + width}
    ).assign(came=came)


def test_a_forecast_and_what_came_are_in_sight() -> None:
    ahead = hour(10.0)
    assert shown_range(np.array([9.0]), band(8, 12).iloc[:0], ahead) == (10 - 6e5, 10 + 6e5)
    assert shown_range(np.array([np.nan]), pd.DataFrame(), pd.DataFrame()) is None


def panel_of(rows: pd.DataFrame, ahead: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    context = Context(
        alarms=pd.DataFrame(), bands={"P-TPT": band(9e6, 1.1e7)}, ahead={"P-TPT": ahead}
    )
    spec = recording_chart(rows, ["P-TPT"], context).to_dict()
    return spec, spec["vconcat"][0]


def marks(panel: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in panel["layer"] if layer["mark"]["type"] == kind]


def test_the_next_hour_is_dashed_within_an_interval(rows: pd.DataFrame) -> None:
    spec, panel = panel_of(rows, hour(1e7))
    drawn = {layer["encoding"]["y"]["field"]: layer["mark"] for layer in marks(panel, "line")}
    assert set(drawn) == {"value", "middle", "low", "high"}
    assert all("strokeDash" in drawn[name] for name in ("middle", "low", "high"))
    [interval] = marks(panel, "area")
    points = spec["datasets"][interval["data"]["name"]]
    assert len(points) == 60
    assert points[0]["middle"] == pytest.approx(10), "in MPa"
    [zoom] = spec["params"]
    assert len(zoom["views"]) == 2, "the zoom stays one a panel"


def test_what_came_is_a_line_of_its_own(rows: pd.DataFrame) -> None:
    _, panel = panel_of(rows, hour(1e7, came=1.01e7))
    assert "came" in {layer["encoding"]["y"]["field"] for layer in marks(panel, "line")}


def test_a_forecast_leaves_the_red_points_alone(rows: pd.DataFrame) -> None:
    spec, panel = panel_of(rows, hour(1e7))
    [points] = marks(panel, "circle")
    assert len(spec["datasets"][points["data"]["name"]]) == rows["anomaly_flag"].sum()
    assert panel["title"]["subtitle"] == "normal 9 to 11 MPa"


def test_alarms_are_drawn_within_the_shown_times_alone(rows: pd.DataFrame) -> None:
    second = int(rows["timestamp"].iloc[0].timestamp())
    event = Event(
        well="WELL-1",
        recording="WELL-1_1",
        start=(second - 3600) * 1_000_000,
        end=(second + 60) * 1_000_000,
        peak=second * 1_000_000,
        peak_score=2.0,
        rows=3660,
        sensors={"P-TPT": 100},
    )
    [drawn] = alarm_spans([Alarm(event)], rows["timestamp"], ZoneInfo("UTC")).itertuples()
    assert drawn.start == pd.Timestamp("2017-02-01T02:00:00Z"), "or it would stretch the time axis"
    assert drawn.end == pd.Timestamp("2017-02-01T02:01:00Z")
