"""What is wrong with the data of a synthetic well, as it is with 3W's: sensors that are missing or
frozen, readings and rows that are lost, spikes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.ingest.batches import COMMISSIONING_SECONDS

FOCAL_SENSORS: Final = ("P-PDG", "P-TPT", "T-TPT", "P-MON-CKP", "T-JUS-CKP")
"""The five sensors that the 3W papers train on."""

_OPTIONAL: Final = ("ABER-CKGL", "ABER-CKP", "P-ANULAR", "P-JUS-CKP", "P-MON-CKGL", "T-MON-CKP")
_MAY_FREEZE: Final = ("P-PDG", "T-JUS-CKP", "P-JUS-CKGL")
_ABSENT_SHARE: Final = 0.4
_VALVES_ABSENT_SHARE: Final = 0.3
_OUTAGE_SHARE: Final = 0.25
_READINGS_LOST_A_SECOND: Final = 0.4 / 3600
_SPIKES_A_SECOND: Final = 0.3 / 3600
_HOLES_A_SECOND: Final = 2.0 / 3600
_CLEAR_SECONDS: Final = 240
_MOST_ROWS_LOST: Final = 60


@dataclass(frozen=True, slots=True)
class Condition:
    """Which sensors of a well are missing, frozen at 0, full of holes, or freeze on the way."""

    missing: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    holey: frozenset[str] = frozenset()
    one_freezes: bool = False


_DOWNHOLE: Final = frozenset({"P-PDG", "T-PDG"})
_TREE: Final = frozenset({"P-TPT", "T-TPT"})
_TOPSIDE: Final = frozenset({"P-MON-CKP", "T-JUS-CKP", "T-MON-CKP", "P-JUS-CKP"})
_CONDITIONS: Final = (
    Condition(),
    Condition(frozen=_DOWNHOLE, missing=_TOPSIDE | {"P-JUS-CKGL", "QGL"}, holey=_TREE),
    Condition(frozen=_DOWNHOLE),
    Condition(missing=_TOPSIDE),
    Condition(one_freezes=True),
    Condition(frozen=_TREE),
    Condition(holey=frozenset({"T-TPT", "QGL"})),
)
"""The states of instrumentation that 3W's real wells are in, in turn (WELL-00011 is the second:
not one of the focal sensors is complete). P-TPT or P-MON-CKP always lives."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows that a recording lacks, in seconds since its start: `[first_second, end_second)`."""

    first_second: int
    end_second: int


def draw_condition(
    random: np.random.Generator, well: int, valves: Mapping[str, float]
) -> Condition:
    """Give the well of this number (from 0) its condition, less what it never had installed."""
    condition = _CONDITIONS[well % len(_CONDITIONS)]
    absent = {name for name in _OPTIONAL if random.random() < _ABSENT_SHARE}
    absent |= set(valves) if random.random() < _VALVES_ABSENT_SHARE else set()
    return Condition(
        condition.missing | absent, condition.frozen, condition.holey, condition.one_freezes
    )


def damage(
    random: np.random.Generator, condition: Condition, readings: dict[str, np.ndarray]
) -> None:
    """Spoil the readings of each second in place; a lost reading becomes NaN."""
    for name, values in readings.items():
        if name in condition.missing:
            values[:] = np.nan
        elif name in condition.frozen:
            values[:] = 0.0
    alive = {name: values for name, values in readings.items() if np.ptp(values) > 0}
    for values in alive.values():
        _spike(random, values)
    if condition.one_freezes:
        _freeze(random, readings[str(random.choice(_MAY_FREEZE))])
    for name, values in alive.items():
        _lose_readings(random, values, holey=name in condition.holey)
    if random.random() < _OUTAGE_SHARE:
        _lose_all(random, readings)


def _spike(random: np.random.Generator, values: np.ndarray) -> None:
    where = random.integers(0, len(values), random.poisson(len(values) * _SPIKES_A_SECOND))
    usual = np.std(values[:COMMISSIONING_SECONDS])
    signs = random.choice((-1.0, 1.0), len(where))
    spiked = values[where] + signs * random.uniform(5, 12, len(where)) * usual
    values[where] = np.round(np.maximum(spiked, 0.0), 3)


def _lose_readings(random: np.random.Generator, values: np.ndarray, *, holey: bool) -> None:
    seconds = len(values)
    values[random.integers(0, seconds, random.poisson(seconds * _READINGS_LOST_A_SECOND))] = np.nan
    holes = 1 + random.poisson(seconds * _HOLES_A_SECOND) if holey else 0
    for first in random.integers(0, seconds - 1, holes):
        values[first : first + random.integers(2, 120)] = np.nan


def _freeze(random: np.random.Generator, values: np.ndarray) -> None:
    since = random.integers(len(values) // 3, len(values))
    values[since:] = values[since]


def _lose_all(random: np.random.Generator, readings: Mapping[str, np.ndarray]) -> None:
    first = random.integers(COMMISSIONING_SECONDS, len(next(iter(readings.values()))))
    until = first + random.integers(60, 240)
    for values in readings.values():
        values[first:until] = np.nan


def draw_gaps(
    random: np.random.Generator, seconds: int, turning_points: tuple[int, ...]
) -> tuple[Gap, ...]:
    """Draw up to two short gaps after the commissioning time, away from any turning point."""
    gaps: list[Gap] = []
    for first in sorted(random.integers(COMMISSIONING_SECONDS, seconds, random.integers(0, 3))):
        gap = Gap(int(first), int(first + random.integers(2, _MOST_ROWS_LOST)))
        taken = (*turning_points, seconds, *(other.end_second for other in gaps))
        if all(abs(gap.first_second - point) > _CLEAR_SECONDS for point in taken):
            gaps.append(gap)
    return tuple(gaps)
