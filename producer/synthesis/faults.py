"""What each fault of 3W does to a synthetic well: which sensors move, how far and how fast.

Directions and sizes follow the real instances of 3W release 1 and Vargas et al. 2019, section 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.schema.labels import TRANSIENT_OFFSET

DHSV_CLOSURE: Final = 2
SLUGGING: Final = 3
EARLIEST_SECOND: Final = 2100
"""No fault begins before: half an hour of rows labelled 0, and what gaps may take from it."""

_LONGEST_SPAN: Final = 8 * 3600
_SLUG_PERIODS: Final = (600.0, 1500.0)
_PACE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Signature:
    """How a fault shows.

    `transients` is the range of the transient's length in seconds, `sizes` how far sensors move
    as a share of their level, `paces` the time they take to go 63 % of the way, as a share of the
    transient, where it is not the usual one.
    """

    transients: tuple[float, float]
    sizes: Mapping[str, float]
    paces: Mapping[str, float]


_TOPSIDE_HOTTER: Final = {"T-JUS-CKP": 0.06, "T-MON-CKP": 0.06}
_TOPSIDE_COLDER: Final = {"T-JUS-CKP": -0.18, "T-MON-CKP": -0.18}
SIGNATURES: Final[Mapping[int, Signature]] = {
    1: Signature(
        transients=(3600, 9000),
        sizes={"P-PDG": 0.018, "P-TPT": -0.08, "T-TPT": 0.012, "P-MON-CKP": -0.25}
        | _TOPSIDE_HOTTER,
        paces={"P-MON-CKP": 0.2},
    ),
    DHSV_CLOSURE: Signature(
        transients=(1500, 3600),
        sizes={"P-PDG": 0.03, "P-TPT": -0.5, "T-TPT": -0.7, "P-MON-CKP": -0.6, "P-JUS-CKP": -0.4}
        | _TOPSIDE_COLDER,
        paces={"P-PDG": 0.02, "T-TPT": 0.2},
    ),
    SLUGGING: Signature(
        transients=(0, 0),
        sizes={"P-PDG": 0.02, "P-TPT": 0.05, "T-TPT": -0.006, "P-MON-CKP": 0.18}
        | {"P-JUS-CKP": 0.1, "P-ANULAR": 0.01}
        | _TOPSIDE_HOTTER,
        paces={},
    ),
    5: Signature(
        transients=(3600, 9000),
        sizes={"P-PDG": 0.01, "P-TPT": -0.12, "T-TPT": -0.03, "P-MON-CKP": -0.45} | _TOPSIDE_COLDER,
        paces={},
    ),
    6: Signature(
        transients=(700, 2400),
        sizes={"P-PDG": 0.01, "P-TPT": 0.07, "P-MON-CKP": 0.32, "P-JUS-CKP": -0.3}
        | {"T-JUS-CKP": -0.05},
        paces={"P-PDG": 1.0, "P-TPT": 0.8, "T-JUS-CKP": 0.8},
    ),
    8: Signature(
        transients=(3600, 9000),
        sizes={"P-PDG": 0.014, "P-TPT": 0.09, "T-TPT": -0.02, "P-MON-CKP": -0.45}
        | {"P-JUS-CKP": -0.3}
        | _TOPSIDE_COLDER,
        paces={"P-MON-CKP": 0.1, "P-JUS-CKP": 0.1},
    ),
}
"""Every fault that can be made, by class. Each moves P-TPT and P-MON-CKP, so that it shows in a
well that has lost either."""


@dataclass(frozen=True, slots=True)
class KnownFault:
    """When a fault of class `event_class` was on, in whole seconds since the recording's start.

    Its transient is `[transient_second, steady_second)`, empty for severe slugging, which 3W
    labels as steady from its first swing on; then it is steady up to `end_second`, excluded.
    """

    event_class: int
    transient_second: int
    steady_second: int
    end_second: int

    def labels(self) -> np.ndarray:
        """3W's label of every second up to the fault's end, int16, shape (end_second,)."""
        labels = np.zeros(self.end_second, dtype=np.int16)
        labels[self.transient_second :] = TRANSIENT_OFFSET + self.event_class
        labels[self.steady_second :] = self.event_class
        return labels


@dataclass(frozen=True, slots=True)
class FaultCourse:
    """A fault as it unfolds: `strength` scales its signature, `period` is that of slugs (s)."""

    known: KnownFault
    strength: float
    period: float

    def shift(self, sensor: str, seconds: np.ndarray) -> np.ndarray:
        """How far a sensor is moved at some seconds of the recording, as a share of its level."""
        known, signature = self.known, SIGNATURES[self.known.event_class]
        elapsed = np.maximum(seconds - known.transient_second, 0.0)
        size = self.strength * signature.sizes.get(sensor, 0.0)
        if known.event_class == SLUGGING:
            return size * _swing(elapsed, self.period)
        transient = known.steady_second - known.transient_second
        moved: np.ndarray = -np.expm1(-elapsed / (signature.paces.get(sensor, _PACE) * transient))
        return size * moved


def draw_course(
    random: np.random.Generator, event_class: int, seconds: int, earliest: int
) -> FaultCourse:
    """Draw a fault that lasts to the end of a recording of so many seconds.

    It begins at `earliest` or later and, as in 3W, at most eight hours before the end.
    """
    span = random.uniform(0.4, 0.65) * min(seconds, _LONGEST_SPAN)
    begin = max(seconds - int(span), earliest)
    lasting = seconds - begin
    transient = min(random.uniform(*SIGNATURES[event_class].transients), 0.6 * lasting)
    return FaultCourse(
        known=KnownFault(event_class, begin, begin + int(transient), seconds),
        strength=random.uniform(0.75, 1.25),
        period=min(random.uniform(*_SLUG_PERIODS), lasting / 4),
    )


def _swing(elapsed: np.ndarray, period: float) -> np.ndarray:
    """A swing with a steep front that grows over its first periods: slugs build up, then burst."""
    phase = 2 * np.pi * elapsed / period
    return -np.expm1(-elapsed / period) * (np.sin(phase) + 0.35 * np.sin(2 * phase))
