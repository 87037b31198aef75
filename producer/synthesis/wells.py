"""Synthetic wells in normal operation: levels, noise, drift and disturbances that travel upstream.

Noise, drift and how seldom a gauge reports follow the real normal instances of 3W release 1: its
historian stored a reading only now and then, and the 1 Hz rows lie on straight lines between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.schema.sensors import BY_NAME, Kind
from producer.synthesis.faults import DHSV_CLOSURE, FaultCourse

_GRID: Final = 10
_GRID_MARGIN: Final = 1200
_MINUTE: Final = 60
_GAS_LIFT_SHARE: Final = 0.6
_TURBULENCE_SECONDS: Final = 240
_DRIFT_SECONDS: Final = (1200, 10_800)
_WOBBLE: Final = 0.05
_CHOKE_SECONDS: Final = 60
_CHOKE_MOVES_A_SECOND: Final = 1 / 21_600
_DECIMALS: Final = {Kind.PRESSURE: -1, Kind.TEMPERATURE: 4, Kind.FLOW: 6, Kind.OPENING: 3}
_RESOLUTIONS: Final = {
    Kind.PRESSURE: (10.0, 1e3, 5e3),
    Kind.TEMPERATURE: (1e-4, 1e-3, 0.02),
    Kind.FLOW: (1e-6, 1e-4),
    Kind.OPENING: (1e-3, 1e-2),
}
_NEGLIGIBLE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _GaugeKind:
    """What a sensor's gauges have in common.

    `spreads` is the range of the noise's standard deviation in the sensor's unit, `reports` of
    the seconds between reports; a disturbance at the choke arrives `lag` seconds later, `gain`
    spreads high.
    """

    spreads: tuple[float, float]
    reports: tuple[float, float]
    lag: float
    gain: float


_GAUGE_KINDS: Final[Mapping[str, _GaugeKind]] = {
    "P-PDG": _GaugeKind((1e3, 8e3), (2, 20), 540, 0.5),
    "P-TPT": _GaugeKind((3e3, 2e4), (2, 30), 150, 0.8),
    "T-TPT": _GaugeKind((0.01, 0.06), (5, 60), 240, -0.4),
    "P-MON-CKP": _GaugeKind((1e4, 8e4), (2, 15), 0, 1.0),
    "T-JUS-CKP": _GaugeKind((0.05, 0.3), (5, 90), 30, -0.7),
    "P-JUS-CKGL": _GaugeKind((2e3, 3e4), (10, 120), 0, 0.2),
    "QGL": _GaugeKind((0.005, 0.05), (2, 10), 0, 0.3),
    "ABER-CKGL": _GaugeKind((0.02, 0.2), (30, 300), 0, 0.0),
    "ABER-CKP": _GaugeKind((0.02, 0.1), (10, 120), -30, -3.0),
    "P-ANULAR": _GaugeKind((5e3, 3e4), (10, 60), 300, 0.2),
    "P-JUS-CKP": _GaugeKind((5e3, 3e4), (2, 15), 10, -0.6),
    "P-MON-CKGL": _GaugeKind((5e3, 3e4), (5, 60), 0, 0.1),
    "T-MON-CKP": _GaugeKind((0.05, 0.3), (5, 90), 20, -0.7),
    "T-PDG": _GaugeKind((0.002, 0.008), (5, 60), 600, 0.1),
}

_OPEN_VALVES: Final = ("ESTADO-DHSV", "ESTADO-M1", "ESTADO-SDV-P", "ESTADO-W1")
_CLOSED_VALVES: Final = ("ESTADO-M2", "ESTADO-PXO", "ESTADO-XO")
_GAS_LIFT_VALVES: Final = ("ESTADO-SDV-GL", "ESTADO-W2")
_DHSV: Final = "ESTADO-DHSV"


@dataclass(frozen=True, slots=True)
class Gauge:
    """One sensor of one well.

    `level`, `spread` and `resolution` are in the sensor's unit, `drift` in spreads;
    `correlation_seconds` and `drift_seconds` are how soon noise and drift forget themselves.
    """

    name: str
    level: float
    spread: float
    drift: float
    drift_seconds: float
    resolution: float
    report_seconds: float
    correlation_seconds: float


@dataclass(frozen=True, slots=True)
class SyntheticWell:
    """A well's own gauges and valve states; `oscillation_seconds` is its natural period."""

    gauges: tuple[Gauge, ...]
    valves: Mapping[str, float]
    oscillation_seconds: float


@dataclass(frozen=True, slots=True)
class _Operation:
    """What happens to a whole well in one recording.

    `change` scales its pressures; `disturbances` are those at the choke, in spreads, at the
    seconds of `grid`.
    """

    seconds: int
    change: float
    grid: np.ndarray
    disturbances: np.ndarray
    course: FaultCourse | None

    def level(self, gauge: Gauge, seconds: np.ndarray, wobble: np.ndarray) -> np.ndarray:
        """Where a gauge's readings lie around; a fault moves it none too smoothly."""
        is_pressure = BY_NAME[gauge.name].kind is Kind.PRESSURE
        level = np.full(len(seconds), gauge.level * (self.change if is_pressure else 1.0))
        if self.course is not None:
            level *= 1.0 + self.course.shift(gauge.name, seconds) * (1.0 + _WOBBLE * wobble)
        return level

    def disturbance(self, lag: float, seconds: np.ndarray) -> np.ndarray:
        """What arrives of the disturbances `lag` seconds later."""
        arrived: np.ndarray = np.interp(seconds - lag, self.grid, self.disturbances)
        return arrived


def draw_well(random: np.random.Generator) -> SyntheticWell:
    """Draw a well: pressures fall from the reservoir to the platform, and so do temperatures."""
    levels = _draw_levels(random)
    valves = dict.fromkeys(_OPEN_VALVES, 1.0) | dict.fromkeys(_CLOSED_VALVES, 0.0)
    valves |= dict.fromkeys(_GAS_LIFT_VALVES, float(levels["QGL"] > 0))
    return SyntheticWell(
        gauges=tuple(_draw_gauge(random, name, levels[name]) for name in _GAUGE_KINDS),
        valves=valves,
        oscillation_seconds=random.uniform(240, 900),
    )


def _draw_levels(random: np.random.Generator) -> dict[str, float]:
    between = random.uniform
    downhole = between(15e6, 40e6)
    tree = between(8e6, min(22e6, downhole - 5e6))
    choke = between(3e6, min(15e6, 0.65 * tree))
    tree_celsius = between(60, 120)
    choke_celsius = between(30, min(90, tree_celsius - 10))
    gas = between(8e6, 20e6)
    return {
        "P-PDG": downhole,
        "P-TPT": tree,
        "T-TPT": tree_celsius,
        "P-MON-CKP": choke,
        "T-JUS-CKP": choke_celsius,
        "P-JUS-CKGL": gas,
        "QGL": between(0.5, 2.7) if random.random() < _GAS_LIFT_SHARE else 0.0,
        "ABER-CKGL": between(30, 98),
        "ABER-CKP": between(20, 95),
        "P-ANULAR": between(8e6, 24e6),
        "P-JUS-CKP": between(0.8e6, min(2.5e6, 0.6 * choke)),
        "P-MON-CKGL": gas + between(1e6, 3e6),
        "T-MON-CKP": choke_celsius + between(1, 8),
        "T-PDG": tree_celsius + between(1, 8),
    }


def _draw_gauge(random: np.random.Generator, name: str, level: float) -> Gauge:
    kind = _GAUGE_KINDS[name]
    return Gauge(
        name=name,
        level=level,
        spread=_log_uniform(random, *kind.spreads),
        drift=_log_uniform(random, 0.4, 2.0),
        drift_seconds=_log_uniform(random, *_DRIFT_SECONDS),
        resolution=float(random.choice(_RESOLUTIONS[BY_NAME[name].kind])),
        report_seconds=_log_uniform(random, *kind.reports),
        correlation_seconds=_log_uniform(random, 5, 90),
    )


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def readings(
    random: np.random.Generator, well: SyntheticWell, seconds: int, course: FaultCourse | None
) -> dict[str, np.ndarray]:
    """Make what every gauge and valve of a well reads, each second, shape (seconds,).

    Levels differ by a few per cent from recording to recording of one well.
    """
    grid = np.arange(-_GRID_MARGIN, seconds + _GRID_MARGIN, _GRID, dtype=float)
    disturbances = _draw_disturbances(random, well, grid)
    operation = _Operation(seconds, random.uniform(0.97, 1.03), grid, disturbances, course)
    rows = {gauge.name: _gauge_readings(random, gauge, operation) for gauge in well.gauges}
    rows |= {name: np.full(seconds, state) for name, state in well.valves.items()}
    if course is not None and course.known.event_class == DHSV_CLOSURE:
        rows[_DHSV][course.known.transient_second :] = 0.0
    return rows


def _draw_disturbances(
    random: np.random.Generator, well: SyntheticWell, grid: np.ndarray
) -> np.ndarray:
    """Turbulence, the well's own oscillation, and now and then somebody moves the choke."""
    phase = coloured_noise(random, len(grid), well.oscillation_seconds / _GRID)
    swing = np.sin(2 * np.pi * grid / well.oscillation_seconds + phase)
    values = 0.5 * coloured_noise(random, len(grid), _TURBULENCE_SECONDS / _GRID)
    values += random.uniform(0.0, 0.8) * swing
    for _ in range(random.poisson(len(grid) * _GRID * _CHOKE_MOVES_A_SECOND)):
        elapsed = np.maximum(grid - random.uniform(0, grid[-1]), 0.0)
        size = random.choice((-1.0, 1.0)) * random.uniform(1.5, 4.0)
        values -= size * np.expm1(-elapsed / _CHOKE_SECONDS)
    return values


def _gauge_readings(random: np.random.Generator, gauge: Gauge, operation: _Operation) -> np.ndarray:
    seconds = operation.seconds
    if gauge.level == 0:
        return np.zeros(seconds)
    kind = _GAUGE_KINDS[gauge.name]
    reports = np.arange(-random.random(), seconds / gauge.report_seconds + 1) * gauge.report_seconds
    noise = coloured_noise(random, len(reports), gauge.correlation_seconds / gauge.report_seconds)
    minutes = np.arange(0, seconds + 2 * _MINUTE, _MINUTE)
    drift = coloured_noise(random, len(minutes), gauge.drift_seconds / _MINUTE)
    wander = np.interp(reports, minutes, drift)
    spreads = 0.7 * noise + kind.gain * operation.disturbance(kind.lag, reports)
    spreads += gauge.drift * wander
    values = operation.level(gauge, reports, wander) + gauge.spread * spreads
    reported = np.round(np.maximum(values, 0.0) / gauge.resolution) * gauge.resolution
    each_second = np.interp(np.arange(seconds), reports, reported)
    return np.round(each_second, _DECIMALS[BY_NAME[gauge.name].kind])


def coloured_noise(
    random: np.random.Generator, size: int, correlation_samples: float
) -> np.ndarray:
    """AR(1) noise of unit variance whose memory fades by 1/e in so many samples.

    The recursion y[t] = a y[t-1] + e[t] is applied as the product of 1 + a^k z^-k for
    k = 1, 2, 4, …, a whole array at a time.
    """
    weight = float(np.exp(-1.0 / max(correlation_samples, 0.1)))
    noise = random.standard_normal(size)
    noise[1:] *= np.sqrt(1.0 - weight * weight)
    lag = 1
    while lag < size and weight > _NEGLIGIBLE:
        noise[lag:] += weight * noise[:-lag]
        lag, weight = 2 * lag, weight * weight
    return noise
