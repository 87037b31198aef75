"""Tolerance: how far one sensor alone may be off before a row is flagged.

The detector has no limit a sensor: it adds up what all of them say
(`petrostream.detection.features`). The nearest thing to one is the reading that a sensor would have
to hold for as long as the longest window, with its usual noise and every other sensor at its
centre, until the score reaches 1.0. Sensors that are off together raise the score sooner; a
pressure and a temperature that rise together later, for that is taken for more flow. An engineering
limit flags a row whatever its score, so it is the edge where it is the nearer one.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.detection.detector import Detector, rate
from petrostream.detection.engineering_limits import Limit
from petrostream.detection.features import FEATURES, aggregate
from petrostream.detection.profiles import Profile
from petrostream.schema.sensors import BY_NAME, Side

_LARGEST: Final = 2048.0
"""Deviations further off are not told apart (`petrostream.detection.windows`)."""
_STEPS: Final = 512
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The readings that one sensor can hold without a flag, in its own unit.

    `low` and `high` lie equally far from `centre` where no engineering limit is nearer; they are
    infinite where no reading that the sensor holds is flagged while it is alone.
    """

    centre: float
    low: float
    high: float

    @classmethod
    def within(cls, limit: Limit, centre: float, width: float) -> "Tolerance":
        """So far on either side of the centre, but not beyond a limit; empty where all is."""
        low, high = max(centre - width, limit.low), min(centre + width, limit.high)
        if low > high:
            low = high = min(max(centre, limit.low), limit.high)
        return cls(centre, low, high)

    def edges_off(self, reading: float) -> float:
        """How far a reading is from the centre; 1.0 is the upper edge, -1.0 the lower one.

        It is infinite beyond an edge that is the centre, or on the other side of it.
        """
        if reading > self.high and self.high <= self.centre:
            return math.inf
        if reading < self.low and self.low >= self.centre:
            return -math.inf
        off = reading - self.centre
        return (
            off / (self.high - self.centre if off > 0 else self.centre - self.low) if off else 0.0
        )


def tolerances(
    detector: Detector, profile: Profile, broken: Collection[str] = ()
) -> dict[str, Tolerance]:
    """Find the tolerance of each sensor that a recording's rows are scored on.

    Parameters
    ----------
    detector
        Its settings, threshold, forest and limits decide where a row is flagged.
    profile
        What the recording is measured against.
    broken
        Sensors that rows are scored without: missing, frozen or implausible ones.
    """
    live = [name for name in profile.live_sensors if name not in broken]
    used = [name for name in live if BY_NAME[name].side is Side.PRODUCTION] or live
    restlessness = profile.restlessness
    limits = detector.limits.of_well(profile.well)
    found = {}
    for name in used:
        known = profile.sensors[name]
        scale = detector.wandering.scale(name, restlessness)
        quieted = scale / float(np.hypot(scale, known.spread))
        width = scale * _least_flagged(detector, quieted, len(used))
        found[name] = Tolerance.within(limits.get(name, Limit()), known.centre, width)
    return found


def _least_flagged(detector: Detector, quieted: float, sensors: int) -> float:
    """The smallest deviation (in scales) that is flagged where one of so many sensors holds it.

    The forest's part is a step function that may also fall, so the first crossing is looked for
    on a grid, and narrowed down from there.
    """
    grid = np.geomspace(1e-3, _LARGEST, _STEPS)
    flagged = np.flatnonzero(_score(detector, grid, quieted, sensors) >= 1.0)
    if not len(flagged):
        return float("inf")
    first = int(flagged[0])
    inside, outside = float(grid[first - 1]) if first else 0.0, float(grid[first])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if _score(detector, np.array([middle]), quieted, sensors)[0] >= 1.0:
            outside = middle
        else:
            inside = middle
    return outside


def _score(detector: Detector, deviations: np.ndarray, quieted: float, sensors: int) -> np.ndarray:
    """The score of rows in which one of the sensors holds a deviation, shape (deviations,).

    `quieted` is what noise leaves of a deviation in the short windows.
    """
    settings = detector.settings
    levels = [
        deviations * (quieted if seconds <= settings.window_seconds else 1.0)
        for seconds in settings.windows
    ]
    number = np.full(len(deviations), sensors)
    features = np.zeros((len(deviations), len(FEATURES)))
    features[:, 0] = np.mean(
        [aggregate(np.log1p(level)[:, np.newaxis], number) for level in levels], axis=0
    )
    features[:, 1] = aggregate(np.log1p(np.abs(levels[0] - levels[-1]))[:, np.newaxis], number)
    rated = rate(detector.forest, features, detector.floor, settings)
    scored: np.ndarray = rated / detector.threshold
    return scored
