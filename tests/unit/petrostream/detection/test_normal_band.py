"""The band that is drawn as normal is what the detector takes for normal."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from petrostream.detection import profiles
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.normal_band import Tolerance, tolerances
from petrostream.detection.profiles import Profile, SensorProfile, SensorState
from petrostream.ingest.batches import Batch, cut
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.columns import ANOMALY_FLAG, TIMESTAMP, TIMESTAMP_TYPE
from petrostream.scoring.score_batch import score_batch

ROWS, FROM = 4500, 1500
HELD = FROM + 1800
"""From here on every window holds nothing but the held reading."""


def quiet() -> dict[str, np.ndarray]:
    """Sensors that swing about a centre, so evenly that each window's mean is the centre."""
    swing = np.where(np.arange(ROWS) % 2, 1.0, -1.0)
    return {
        "P-PDG": 3e7 + 1e4 * swing,
        "P-TPT": 1e7 + 3e4 * swing,
        "T-TPT": 90 + 0.05 * swing,
        "QGL": 5 + 0.01 * swing,
    }


def batch_of(values: dict[str, np.ndarray]) -> Batch:
    stamps = pa.array(np.arange(ROWS) * 1_000_000).cast(TIMESTAMP_TYPE)
    table = pa.table({TIMESTAMP: stamps, **values})
    return next(cut(Recording("WELL-1", "WELL-1_1", table), batch_seconds=10**6))


def flags_once_held(sensor: str, off: float, model: Model) -> np.ndarray:
    """Flags of the rows in which a sensor alone has been off by so much for half an hour."""
    values = quiet()
    values[sensor][FROM:] += off
    batch = batch_of(values)
    scored = score_batch(batch, profiles.learn(batch), model).table
    return scored.column(ANOMALY_FLAG).to_numpy()[HELD:]


def profile_of(names: tuple[str, ...]) -> Profile:
    values = quiet()
    sensors = {
        name: SensorProfile(SensorState.LIVE, float(np.median(values[name])), 1e4, 900)
        for name in names
    }
    return Profile("WELL-1", "WELL-1_1", 0, 900_000_000, sensors)


@pytest.mark.parametrize("sensor", ["P-PDG", "P-TPT", "T-TPT"])
@pytest.mark.parametrize("side", [-1, 1])
def test_what_is_held_inside_is_not_flagged_and_outside_is(
    model: Model, sensor: str, side: int
) -> None:
    known = tolerances(model.detector, profiles.learn(batch_of(quiet())))[sensor]
    width = known.high - known.centre
    assert not flags_once_held(sensor, 0.97 * side * width, model).any()
    assert flags_once_held(sensor, 1.03 * side * width, model).all()


def test_only_sensors_that_rows_are_scored_on_have_one(model: Model) -> None:
    both = tolerances(model.detector, profile_of(("P-TPT", "QGL")))
    assert set(both) == {"P-TPT"}, "the gas lift is what is done to the well"
    assert set(tolerances(model.detector, profile_of(("QGL",)))) == {"QGL"}
    assert tolerances(model.detector, profile_of(())) == {}


def test_one_of_fewer_sensors_may_be_off_by_less(model: Model) -> None:
    profile = profile_of(("P-PDG", "P-TPT", "T-TPT"))
    all_of_them = tolerances(model.detector, profile)
    without = tolerances(model.detector, profile, broken=["P-PDG"])
    assert set(without) == {"P-TPT", "T-TPT"}
    assert without["P-TPT"].high < all_of_them["P-TPT"].high


def test_a_threshold_that_no_sensor_reaches_alone_leaves_the_band_open(model: Model) -> None:
    deaf = replace(model.detector, threshold=1000.0)
    known = tolerances(deaf, profile_of(("P-TPT",)))["P-TPT"]
    assert (known.low, known.high) == (-np.inf, np.inf)
    assert known.edges_off(2e7) == 0


def test_an_edge_ends_where_a_sensor_can_read_no_further() -> None:
    known = Tolerance(centre=2.0, low=-12.91, high=17.02)
    assert known.readable(0.0, 100.0) == (0.0, 17.02)
    assert known.readable(-20.0, 10.0) == (-12.91, 10.0)
    assert replace(known, low=-np.inf, high=np.inf).readable(0.0, 1.0) == (-np.inf, np.inf)


def test_off_by_one_is_the_edge() -> None:
    known = Tolerance(centre=10.0, low=8.0, high=12.0)
    assert [known.edges_off(each) for each in (8.0, 10.0, 12.0, 16.0)] == [-1, 0, 1, 3]


def test_off_by_is_told_by_the_edge_of_its_own_side() -> None:
    known = Tolerance(centre=10.0, low=8.0, high=11.0)
    assert [known.edges_off(each) for each in (8.0, 9.0, 10.0, 10.5, 12.0)] == [-1, -0.5, 0, 0.5, 2]


def test_beyond_an_edge_without_room_is_infinitely_far() -> None:
    empty = Tolerance(centre=10.0, low=10.0, high=10.0)
    assert [empty.edges_off(each) for each in (9.0, 10.0, 11.0)] == [-np.inf, 0, np.inf]
    below = Tolerance(centre=10.0, low=6.0, high=8.0)
    assert [below.edges_off(each) for each in (6.0, 8.0, 9.0, 12.0)] == [-1, -0.5, np.inf, np.inf]


def limited(model: Model, **ends: float) -> Model:
    limits = Limits.of({"wells": {"WELL-1": {"P-TPT": ends}}})
    return replace(model, detector=replace(model.detector, limits=limits))


@pytest.mark.parametrize(("end", "side"), [("low", -1), ("high", 1)])
def test_a_nearer_limit_is_the_edge(model: Model, end: str, side: int) -> None:
    profile = profiles.learn(batch_of(quiet()))
    open_ = tolerances(model.detector, profile)["P-TPT"]
    width = open_.high - open_.centre
    strict = limited(model, **{end: open_.centre + side * width / 2})
    known = tolerances(strict.detector, profile)["P-TPT"]
    assert known == replace(open_, **{end: open_.centre + side * width / 2})
    noise = 3e4
    assert not flags_once_held("P-TPT", side * (0.49 * width - noise), strict).any()
    assert flags_once_held("P-TPT", side * 0.7 * width, strict).any()
    far = limited(model, **{end: open_.centre + side * width * 2})
    assert tolerances(far.detector, profile)["P-TPT"] == open_


def test_a_limit_that_the_profile_passes_leaves_what_it_allows(model: Model) -> None:
    profile = profile_of(("P-TPT",))
    open_ = tolerances(model.detector, profile)["P-TPT"]
    width = open_.high - open_.centre
    part = tolerances(limited(model, high=open_.centre - width / 2).detector, profile)["P-TPT"]
    assert (part.low, part.high) == (open_.low, open_.centre - width / 2)
    none = tolerances(limited(model, high=open_.centre - width * 2).detector, profile)["P-TPT"]
    assert none.low == none.high == open_.centre - width * 2


def test_a_limit_closes_its_side_of_an_open_band(model: Model) -> None:
    deaf = limited(replace(model, detector=replace(model.detector, threshold=1000.0)), high=2e7)
    known = tolerances(deaf.detector, profile_of(("P-TPT",)))["P-TPT"]
    assert (known.low, known.high) == (-np.inf, 2e7)
