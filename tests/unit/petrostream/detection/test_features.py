"""What deviations count for."""

import numpy as np

from petrostream.detection.features import Wandering, aggregate, deviate
from petrostream.schema.sensors import BY_NAME

SENSORS = ("P-PDG", "P-TPT", "T-TPT", "QGL")


def total(*levels: float) -> float:
    return float(deviate(np.array([levels]), SENSORS).sum())


def test_a_well_that_gives_more_is_not_abnormal_and_one_that_gives_less_is() -> None:
    assert total(0, 5, 5, 0) == 0
    assert total(0, -5, -5, 0) == 2 * np.log(6)


def test_a_rise_in_pressure_alone_or_at_the_downhole_gauge_counts() -> None:
    assert total(0, 5, -1, 0) == np.log(6) + np.log(2)
    assert total(5, 0, 5, 0) == 2 * np.log(6)


def test_other_kinds_count_either_way() -> None:
    assert total(0, 3, 3, 4) == total(0, 0, 0, -4) == np.log(5)


def test_sensors_that_agree_say_more_than_one_alone() -> None:
    values = np.array([[1.0, 0.0], [1.0, 1.0]])
    alone, agreeing = aggregate(values, np.array([1, 2]))
    assert agreeing > alone


def test_a_restless_well_is_measured_by_a_larger_scale_and_never_below_the_resolution() -> None:
    wandering = Wandering({"P-TPT": 3e4}, 1.2)
    assert wandering.scale("P-TPT", 1.0) > wandering.scale("P-TPT", 0.0) == 3e4
    assert wandering.scale("P-TPT", -5.0) == BY_NAME["P-TPT"].resolution
    assert wandering.scale("T-TPT", 0.0) >= BY_NAME["T-TPT"].resolution
