"""The band that is normal and the next hour, as the page draws them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.shell.readers import find_readers
from dashboard.views.well.band_layers import normal_words, shown_range
from dashboard.views.well.recording_chart import Context, recording_chart
from dashboard.wells.normal_bands import SPREADS, Normal, PublishedNormal, bands
from petrostream.detection.normal_band import Tolerance, tolerances
from petrostream.detection.profiles import (
    Profile,
    SensorProfile,
    SensorState,
)
from petrostream.errors import ServiceUnavailable
from petrostream.registry.model_files import Model
from petrostream.registry.profile_store import RecordingProfiles
from petrostream.scoring.summaries import short_version

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


PROFILES = {name: RecordingProfiles(profile(name)) for name in ("WELL-1_1", "WELL-1_2")}
ZONE = ZoneInfo("UTC")
VERSION = "0123456789ab"


def batches(*, second_by: str = VERSION) -> pd.DataFrame:
    """Two batches of ten minutes of one recording and one of another."""
    return pd.DataFrame(
        {
            "recording": ["WELL-1_1", "WELL-1_1", "WELL-1_2"],
            "first": pd.date_range("2017-02-01 02:00:00", periods=3, freq="10min", unit="us"),
            "model": [short_version(each) for each in (VERSION, second_by, VERSION)],
        }
    )


def test_the_band_is_the_detectors_in_each_recording(rows: pd.DataFrame, model: Model) -> None:
    found = Normal(model.detector, VERSION).stretches(rows, PROFILES, batches())
    alone = tolerances(model.detector, profile("WELL-1_1"), broken=["T-TPT"])
    both = tolerances(model.detector, profile("WELL-1_2"))
    assert {each.recording: each.tolerances for each in found} == {
        "WELL-1_1": alone,
        "WELL-1_2": both,
    }
    first, second = bands(found, "P-TPT", ZONE).itertuples(index=False)
    assert (first.low, first.high) == (alone["P-TPT"].low, alone["P-TPT"].high)
    assert (second.low, second.high) == (both["P-TPT"].low, both["P-TPT"].high)
    assert (first.end - first.start).total_seconds() == 1199
    assert len(bands(found, "T-TPT", ZONE)) == 1, "it is not scored in the first one"
    assert bands(found, "P-PDG", ZONE).empty


def test_the_band_ends_where_the_sensor_can_read_no_further(rows: pd.DataFrame) -> None:
    *_, last = Normal(None).stretches(rows, PROFILES, batches())
    wide = replace(last, tolerances={"QGL": Tolerance(centre=2.0, low=-12.91, high=17.02)})
    assert normal_words(bands([wide], "QGL", ZONE), "m³/s") == "normal -1 to 17.02 m³/s"


def test_where_a_new_profile_comes_into_force_the_band_is_another_one(
    rows: pd.DataFrame, model: Model
) -> None:
    moved = SensorProfile(SensorState.LIVE, 1.2e7, 1e4, 900)
    begin = int(pd.Timestamp("2017-02-01 02:00:00").timestamp()) * 1_000_000
    new = replace(profile("WELL-1_1"), end=begin + 300 * 1_000_000, sensors={"P-TPT": moved})
    profiles = PROFILES | {"WELL-1_1": RecordingProfiles(profile("WELL-1_1"), (new,))}
    before, after, _ = Normal(model.detector, VERSION).stretches(rows, profiles, batches())
    assert before.tolerances["P-TPT"].centre == 1e7
    assert after.tolerances["P-TPT"].centre == 1.2e7
    assert after.profile == new
    assert after.start == datetime(2017, 2, 1, 2, 10), "with the batch that begins after it"
    assert before.end == after.start - timedelta(seconds=1)


def test_what_another_model_scored_has_no_band(rows: pd.DataFrame, model: Model) -> None:
    of = batches(second_by="fedcba987654")
    own, other, last = Normal(model.detector, VERSION).stretches(rows, PROFILES, of)
    assert [each.by_another for each in (own, other, last)] == [False, True, False]
    assert other.tolerances == {}
    assert other.profile == profile("WELL-1_1"), "its centre is known all the same"
    assert len(bands([own, other, last], "P-TPT", ZONE)) == 2


def test_without_a_model_the_band_is_some_spreads_wide(rows: pd.DataFrame) -> None:
    *_, last = Normal(None).stretches(rows, PROFILES, batches())
    known = last.tolerances
    assert set(known) == {"P-TPT", "T-TPT"}
    assert known["T-TPT"].high == pytest.approx(60 + SPREADS * 0.1)
    assert known["T-TPT"].edges_off(60 - SPREADS * 0.1) == pytest.approx(-1)


def test_without_a_profile_there_is_no_band(rows: pd.DataFrame, model: Model) -> None:
    unknown = dict.fromkeys(PROFILES, RecordingProfiles(None))
    found = Normal(model.detector, VERSION).stretches(rows, unknown, batches())
    assert bands(found, "P-TPT", ZONE).empty


class Registry:
    """A registry whose model may be out of reach; counts the looks."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.is_down = False
        self.looks = 0

    def get(self) -> Model:
        self.looks += 1
        if self.is_down:
            raise ServiceUnavailable("AWS can't be reached")
        return self.model


def test_the_band_follows_the_published_model_and_outlives_an_outage(model: Model) -> None:
    registry, now = Registry(model), [0.0]
    normal = PublishedNormal(registry, lambda: now[0])
    first = normal.now()
    assert first.detector is model.detector
    assert normal.now() is first, "what was found with it stays known"
    registry.is_down = True
    assert normal.now() is first
    assert normal.now() is first
    assert registry.looks == 3, "while it is down it is asked once in a while"
    registry.is_down, now[0] = False, 60.0
    registry.model = replace(model, version="fedcba987654")
    assert normal.now().version == "fedcba987654"


def test_no_model_at_all_is_no_fault(provisioned) -> None:
    assert find_readers().normal.now().detector is None


def test_another_place_has_other_stores(provisioned, monkeypatch: pytest.MonkeyPatch) -> None:
    here = find_readers()
    assert find_readers() is here
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert find_readers().forecasts is not here.forecasts


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
