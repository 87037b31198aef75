"""Tolerance: how far one sensor alone may be off before a row is flagged.

The detector has no limit per sensor: it adds up what all of them say
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
from petrostream.detection.features import combine, window_weights
from petrostream.detection.profiles import Profile, production_first
from petrostream.detection.windows import LARGEST_DEVIATION

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

    def readable(self, lowest: float, highest: float) -> tuple[float, float]:
        """The edges as far as a sensor can read at all; an edge that is infinite stays so."""
        low, high = (
            min(max(edge, lowest), highest) if math.isfinite(edge) else edge
            for edge in (self.low, self.high)
        )
        return low, high

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
    used = production_first(name for name in profile.live_sensors if name not in broken)
    restlessness = profile.restlessness
    limits = detector.limits.of_well(profile.well)
    found = {}
    for name in used:
        known = profile.sensors[name]
        scale = detector.wandering.scale(name, restlessness)
        alone = _Alone(detector, name, scale, known.spread, len(used))
        width = scale * _least_flagged(alone)
        found[name] = Tolerance.within(limits.get(name, Limit()), known.centre, width)
    return found


@dataclass(frozen=True, slots=True)
class _Alone:
    """One of some sensors that is off while the others are at their centres."""

    detector: Detector
    sensor: str
    scale: float
    spread: float
    sensors: int

    def is_flagged(self, deviations: np.ndarray) -> np.ndarray:
        """Whether rows are flagged in which the sensor holds a deviation, shape (deviations,).

        The deviations are in scales; the noise is that of the commissioning time.
        """
        settings = self.detector.settings
        held = deviations[:, np.newaxis]
        weights = window_weights(np.array([self.scale]), np.array([self.spread]), settings)
        features, _ = combine(
            levels=[held * weight for weight in weights],
            noise=np.ones_like(held),
            used=np.ones_like(held, dtype=bool),
            number=np.full(len(held), self.sensors),
            sensors=(self.sensor,),
        )
        rated = rate(self.detector.forest, features, self.detector.floor, settings)
        flagged: np.ndarray = rated / self.detector.threshold >= 1.0
        return flagged


def _least_flagged(alone: _Alone) -> float:
    """The smallest deviation (in scales) that is flagged.

    The forest's part is a step function that may also fall, so the first crossing is looked for
    on a grid, and narrowed down from there.
    """
    grid = np.geomspace(1e-3, LARGEST_DEVIATION, _STEPS)
    flagged = np.flatnonzero(alone.is_flagged(grid))
    if not len(flagged):
        return float("inf")
    first = int(flagged[0])
    inside, outside = float(grid[first - 1]) if first else 0.0, float(grid[first])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if alone.is_flagged(np.array([middle]))[0]:
            outside = middle
        else:
            inside = middle
    return outside
