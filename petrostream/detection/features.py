"""Features: how far the last minutes of a recording are from its profile, sensor by sensor.

A sensor's deviation is the mean of a window less the profile's centre, in units of how far that
sensor wanders in the normal hours of a well that is as restless, log-compressed. Windows of one
minute see a valve close, windows of half an hour see a productivity loss through slugging.

Where pressures and temperatures rise together, the well gives more than before; that is no fault
of 3W's list, each of which takes flow away (Vargas et al. 2019, section 2), so what both agree on
is taken off. The gauge below all valves is left out of this: its pressure rises when flow stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.detection.degraded import (
    CODES,
    Degradation,
    state_in_profile,
    write_degraded,
)
from petrostream.detection.parameters import DetectorSettings
from petrostream.detection.profiles import Profile, SensorState
from petrostream.detection.windows import SlidingWindows
from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import Batch
from petrostream.ingest.readings import believable, readings_of
from petrostream.schema.columns import SECOND
from petrostream.schema.sensors import BY_NAME, DOWNHOLE_GAUGE, Kind, Side

FEATURES: Final = ("level", "change", "spread")
_ROWS_AT_ONCE: Final = 1024
_UNSEEN_DRIFT: Final = 10.0
"""Drift of a sensor that no model knows, in units of its resolution."""


@dataclass(frozen=True, slots=True)
class Wandering:
    """How far sensors wander in normal hours, learned from other recordings.

    `drift` is that of a well whose noise equals its sensors' resolutions, by sensor and in its
    unit; it grows with the well's restlessness, by the power `exponent`.
    """

    drift: dict[str, float]
    exponent: float

    def scale(self, name: str, restlessness: float) -> float:
        """What a sensor's deviations are measured in; never below its resolution."""
        resolution = BY_NAME[name].resolution
        drift = self.drift.get(name, _UNSEEN_DRIFT * resolution)
        return max(drift * float(np.exp(self.exponent * restlessness)), resolution)


@dataclass(frozen=True, slots=True)
class Observation:
    """Features of the evaluated rows, before any forest.

    `rows` are the evaluated rows' positions in the batch, `held` gives every row of the batch
    the position in `rows` that it takes its score from, or -1; `features` has shape
    (len(rows), len(FEATURES)), `contributions` (len(rows), sensors): each sensor's part in the
    level. `degraded` names, for every row of the batch, the sensors that are left out and why.
    """

    sensors: tuple[str, ...]
    rows: np.ndarray
    held: np.ndarray
    features: np.ndarray
    contributions: np.ndarray
    degraded: np.ndarray


@dataclass(frozen=True, slots=True)
class _Measures:
    """What each sensor of a batch is measured from and in, shape (sensors,) each."""

    profiled: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    noise: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, sensors: tuple[str, ...], profile: Profile, wandering: Wandering) -> "_Measures":
        live = set(profile.live_sensors)
        restlessness = profile.restlessness
        spread = np.array(
            [profile.sensors[name].spread if name in live else 0.0 for name in sensors]
        )
        return cls(
            profiled=np.array([name in live for name in sensors]),
            centre=np.array(
                [profile.sensors[name].centre if name in live else 0.0 for name in sensors]
            ),
            spread=spread,
            noise=np.maximum(spread, [BY_NAME[name].resolution for name in sensors]),
            scale=np.array([wandering.scale(name, restlessness) for name in sensors]),
        )


def observe(
    batch: Batch, profile: Profile, wandering: Wandering, settings: DetectorSettings
) -> Observation:
    """Compute the features of a batch's rows after commissioning, and of those just before it.

    Raises
    ------
    InvalidBatch
        If the batch carries less lookback than the settings need.
    """
    if not batch.is_first and batch.lookback_seconds < settings.lookback_seconds:
        raise InvalidBatch(
            f"it carries {batch.lookback_seconds} s of lookback, the model needs "
            f"{settings.lookback_seconds} s: replay the recording with a longer lookback"
        )
    times, sensors = batch.microseconds, batch.sensors
    measures = _Measures.of(sensors, profile, wandering)
    values = readings_of(batch.table, sensors)
    windows = SlidingWindows(
        times, values, measures.centre, measures.scale, believable(values, sensors)
    )
    candidates = np.flatnonzero(times >= _first_evaluated(batch, settings))
    scorable = np.concatenate(
        [
            _used(windows, some, sensors, measures, settings).any(axis=1)
            for some in _portions(candidates)
        ]
    )
    unscorable, idle = _steps(times, candidates[~scorable], batch.recording_start, settings)
    rows, held = _steps(times, candidates[scorable], batch.recording_start, settings)
    measured = [_features(windows, some, sensors, measures, settings) for some in _portions(rows)]
    features, contributions = (np.concatenate(each) for each in zip(*measured, strict=True))
    states = [
        np.concatenate(
            [_degraded(windows, some, sensors, profile, settings) for some in _portions(those)]
        )
        for those in (rows, unscorable)
    ]
    return Observation(
        sensors=sensors,
        rows=rows,
        held=held,
        features=features,
        contributions=contributions,
        degraded=np.where(held >= 0, spread_out(states[0], held), spread_out(states[1], idle)),
    )


def _portions(rows: np.ndarray) -> list[np.ndarray]:
    """Rows a portion at a time, one at least: each is evaluated by itself, whatever its company,
    and what that takes does not grow with the batch.
    """
    return np.array_split(rows, max(1, -(-len(rows) // _ROWS_AT_ONCE)))


def _first_evaluated(batch: Batch, settings: DetectorSettings) -> int:
    """Earliest time (µs) whose score is wanted: what an alarm in the batch may rest on."""
    step = settings.step_seconds * SECOND
    before = (settings.merge_gap_seconds + settings.alarm_seconds) * SECOND
    wanted = int(batch.microseconds[batch.lookback_rows]) - before
    on_step = wanted - (wanted - batch.recording_start) % step
    return max(batch.commissioning_end, on_step)


def _used(
    windows: SlidingWindows,
    rows: np.ndarray,
    sensors: tuple[str, ...],
    measures: _Measures,
    settings: DetectorSettings,
) -> np.ndarray:
    """Which sensors each row is scored on, shape (len(rows), sensors).

    The best that there are: live ones of the production side; live ones at all; profiled ones
    that stand still; live ones without a profile; profiled ones that fell silent a while ago.
    """
    has_readings = windows.count(rows, settings.window_seconds) > 0
    frozen = windows.frozen(rows, settings.frozen_seconds)
    live = has_readings & ~frozen & measures.profiled
    production = np.array([BY_NAME[name].side is Side.PRODUCTION for name in sensors])
    used = live & production
    fallbacks = (
        live,
        has_readings & measures.profiled,
        has_readings & ~frozen,
        (windows.count(rows, settings.frozen_seconds) > 0) & measures.profiled,
    )
    for fallback in fallbacks:
        used = np.where(used.any(axis=1)[:, np.newaxis], used, fallback)
    return used


def _steps(
    times: np.ndarray, rows: np.ndarray, recording_start: int, settings: DetectorSettings
) -> tuple[np.ndarray, np.ndarray]:
    """First of the rows in each step, and for every row the one it takes its score from."""
    held = np.full(len(times), -1)
    step = (times[rows] - recording_start) // (settings.step_seconds * SECOND)
    begins = np.diff(step, prepend=-1) > 0
    held[rows] = np.cumsum(begins) - 1
    return rows[begins], held


def _features(
    windows: SlidingWindows,
    rows: np.ndarray,
    sensors: tuple[str, ...],
    measures: _Measures,
    settings: DetectorSettings,
) -> tuple[np.ndarray, np.ndarray]:
    used = _used(windows, rows, sensors, measures, settings)
    levels = _levels(windows, rows, measures, settings)
    noise = windows.spread(rows, settings.window_seconds) * measures.scale / measures.noise
    return combine(levels, noise, used, used.sum(axis=1), sensors)


def combine(
    levels: Sequence[np.ndarray],
    noise: np.ndarray,
    used: np.ndarray,
    number: np.ndarray,
    sensors: tuple[str, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Features, shape (rows, len(FEATURES)), and what each sensor has of the level.

    Parameters
    ----------
    levels
        Each window's weighted mean deviations in scales, shortest window first, shape
        (rows, sensors) each.
    noise
        How noisy each sensor is, 1 in the commissioning time, shape (rows, sensors).
    used
        Which sensors each row is scored on, shape (rows, sensors).
    number
        How many sensors each row is scored on, shape (rows,); those that are not given here are
        at their centres.
    sensors
        Their names.
    """
    deviations = [deviate(np.where(used, level, 0.0), sensors) for level in levels]
    change = np.log1p(np.abs(levels[0] - levels[-1]))
    spread = np.maximum(np.log1p(noise) - np.log(2.0), 0.0)
    features = np.column_stack(
        [
            np.mean([aggregate(deviation, number) for deviation in deviations], axis=0),
            aggregate(np.where(used, change, 0.0), number),
            aggregate(np.where(used, spread, 0.0), number),
        ]
    )
    return features, np.sum([deviation * deviation for deviation in deviations], axis=0)


def _levels(
    windows: SlidingWindows, rows: np.ndarray, measures: _Measures, settings: DetectorSettings
) -> list[np.ndarray]:
    """Each window's mean deviation in scales, shortest window first.

    A window without a reading takes the next longer one's. A sensor without a profile is measured
    from its own longest window.
    """
    longest = windows.level(rows, settings.windows[-1])
    levels = [longest]
    for seconds in reversed(settings.windows[:-1]):
        has_readings = windows.count(rows, seconds) > 0
        levels.insert(0, np.where(has_readings, windows.level(rows, seconds), levels[0]))
    reference = np.where(measures.profiled, 0.0, longest)
    weights = window_weights(measures.scale, measures.spread, settings)
    return [(level - reference) * weight for level, weight in zip(levels, weights, strict=True)]


def window_weights(
    scale: np.ndarray, spread: np.ndarray, settings: DetectorSettings
) -> list[np.ndarray]:
    """What a sensor's deviation counts in each window, shape (sensors,) each.

    In short windows a sensor's own noise does not average out, so there it widens the scale.
    """
    quieted = scale / np.hypot(scale, spread)
    return [
        quieted if seconds <= settings.window_seconds else np.ones_like(quieted)
        for seconds in settings.windows
    ]


def deviate(level: np.ndarray, sensors: tuple[str, ...]) -> np.ndarray:
    """Log-compress signed deviations (in scales) and take off what says that more flows.

    Shape (windows, sensors), as the result, which has no sign.
    """
    signed = np.sign(level) * np.log1p(np.abs(level))
    pressures, temperatures = (_flowing(sensors, kind) for kind in FLOW_KINDS)
    rise = np.minimum(_highest(signed[:, pressures]), _highest(signed[:, temperatures]))
    moves = pressures | temperatures
    excess = np.where(moves, np.maximum(signed - rise[:, np.newaxis], 0.0), signed)
    return np.where(signed > 0, excess, -signed)


FLOW_KINDS: Final = (Kind.PRESSURE, Kind.TEMPERATURE)


def _flowing(sensors: tuple[str, ...], kind: Kind) -> np.ndarray:
    return np.array(
        [
            BY_NAME[name].kind is kind
            and BY_NAME[name].side is Side.PRODUCTION
            and name != DOWNHOLE_GAUGE
            for name in sensors
        ]
    )


def _highest(signed: np.ndarray) -> np.ndarray:
    return np.max(signed, axis=1, initial=0.0)


def aggregate(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Root of the sum of squares over one more than the sensors: one sensor alone needs to say
    more than one of several that agree.
    """
    return np.sqrt((values * values).sum(axis=1) / (number + 1))


def spread_out(evaluated: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Give each row the text of the row that it takes its score from; "" where there is none."""
    rows = np.full(len(held), "", dtype=object)
    rows[held >= 0] = evaluated[held[held >= 0]]
    return rows


def _degraded(
    windows: SlidingWindows,
    rows: np.ndarray,
    sensors: tuple[str, ...],
    profile: Profile,
    settings: DetectorSettings,
) -> np.ndarray:
    """For each window, the sensors that are not sound and why: ``P-PDG=frozen QGL=missing``."""
    missing = windows.reported(rows, settings.window_seconds) == 0
    frozen = windows.frozen(rows, settings.frozen_seconds)
    distrusted = np.array(
        [state_in_profile(name, profile) is SensorState.IMPLAUSIBLE for name in sensors]
    )
    implausible = (windows.count(rows, settings.window_seconds) == 0) | distrusted
    unprofiled = np.array([name not in profile.live_sensors for name in sensors])
    found = {
        Degradation.MISSING: missing,
        Degradation.FROZEN: frozen,
        Degradation.IMPLAUSIBLE: implausible,
        Degradation.UNPROFILED: np.broadcast_to(unprofiled, missing.shape),
    }
    states = np.select(list(found.values()), [CODES[each] for each in found], 0)
    kinds, which = np.unique(states, axis=0, return_inverse=True)
    texts = [write_degraded(sensors, kind) for kind in kinds]
    return np.array(texts, dtype=object)[which.ravel()]
