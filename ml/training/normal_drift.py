"""Learn how far sensors wander in normal hours, and how that grows with a well's restlessness."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from petrostream.detection.features import Wandering
from petrostream.detection.parameters import DetectorSettings
from petrostream.detection.profiles import Profile
from petrostream.detection.windows import SlidingWindows
from petrostream.ingest.batches import Batch
from petrostream.ingest.readings import believable, readings_of
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES

WINDOW_SECONDS: Final = 600
DISTANCE_QUANTILE: Final = 0.9
_FEWEST_WINDOWS: Final = 10
_LEAST: Final = 0.2
"""Wandering below a fifth of a resolution counts as that much."""
_SHRINKAGE: Final = 3.0
"""A sensor seen in three recordings is believed half; the rest is what all have in common."""
_SLIGHT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Wanderer:
    """How far one sensor was from its profile in one recording's normal time.

    `distance` is the 0.9 quantile, in resolutions, `restlessness` the recording's.
    """

    sensor: str
    restlessness: float
    distance: float


def wanderers(
    batch: Batch, profile: Profile, rows: np.ndarray, settings: DetectorSettings
) -> Iterator[Wanderer]:
    """Measure each live sensor of a whole recording; `rows` are normal ones after commissioning."""
    sensors = profile.live_sensors
    if not sensors or not len(rows):
        return
    values = readings_of(batch.table, sensors)
    centre = np.array([profile.sensors[name].centre for name in sensors])
    resolution = np.array([BY_NAME[name].resolution for name in sensors])
    windows = SlidingWindows(
        batch.microseconds, values, centre, resolution, believable(values, sensors)
    )
    level = np.abs(windows.level(rows, WINDOW_SECONDS))
    present = windows.count(rows, settings.window_seconds) > 0
    for column, name in enumerate(sensors):
        distances = level[present[:, column], column]
        if len(distances) >= _FEWEST_WINDOWS:
            distance = max(float(np.quantile(distances, DISTANCE_QUANTILE)), _LEAST)
            yield Wanderer(name, profile.restlessness, distance)


def fit_wandering(seen: Iterable[Wanderer]) -> Wandering:
    """Fit the logarithm of the distances: one constant a sensor, one slope on restlessness.

    Ridge regression; a sensor's constant is shrunk to the mean of all, which is also what a
    sensor gets that was never seen.
    """
    known = list(seen)
    if not known:
        return Wandering({}, 0.0)
    constant = np.ones((len(known), 1))
    which = np.array([[one.sensor == name for name in SENSOR_NAMES] for one in known], dtype=float)
    restlessness = np.array([[one.restlessness] for one in known])
    target = np.log([one.distance for one in known])
    design = np.hstack(
        [constant, which.reshape(len(known), -1), restlessness.reshape(len(known), -1)]
    )
    penalty = np.diag([_SLIGHT, *[_SHRINKAGE] * len(SENSOR_NAMES), _SLIGHT])
    found = np.linalg.solve(design.T @ design + penalty, design.T @ target)
    drift = {
        name: float(np.exp(found[0] + found[1 + column])) * BY_NAME[name].resolution
        for column, name in enumerate(SENSOR_NAMES)
    }
    return Wandering(drift, float(found[-1]))


def reference_of(seen: Iterable[Wanderer], wandering: Wandering) -> dict[str, Any]:
    """What training saw, for whoever compares: JSON-ready.

    `distance` has each sensor's largest, in the scales that the fit expects, `restlessness` the
    least and the most.
    """
    distance: dict[str, float] = {}
    restlessness = []
    for one in seen:
        expected = wandering.scale(one.sensor, one.restlessness) / BY_NAME[one.sensor].resolution
        distance[one.sensor] = max(distance.get(one.sensor, 0.0), one.distance / expected)
        restlessness.append(one.restlessness)
    return {
        "distance": dict(sorted(distance.items())),
        "restlessness": [min(restlessness, default=0.0), max(restlessness, default=0.0)],
    }
