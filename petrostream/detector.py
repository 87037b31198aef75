"""The detector: from readings and a profile to a score, a flag and a reason for every row.

A row's features are aggregates over its live sensors of how far the last minutes are from the
profile, in level, spread and slope, log-compressed. Aggregates make one forest serve wells with
different sensors, and a sensor that dies does not leave a hole. The forest's score is divided by
the threshold, so 1.0 is where a row is flagged. A forest can't tell far from very far: what lies
beyond everything it has seen is scored by limits beside it, and the higher score counts.

The score is evaluated at the first live reading of every step (five seconds, counted from the
recording's start) and held for the rest of it: a tenth of the work, and no row without a score.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from petrostream.batches import Batch, readings_of
from petrostream.columns import SECOND
from petrostream.errors import InvalidBatch
from petrostream.forest import Forest
from petrostream.profiles import Profile, SensorState
from petrostream.sensors import BY_NAME
from petrostream.windows import SlidingWindows, WindowStatistics

FEATURES: Final = ("level_rms", "level_largest", "level_second", "spread_rms", "slope_rms")
_UNSEEN_DRIFT: Final = 10.0
"""Drift of a sensor that training never saw, in units of its resolution."""


class Status(StrEnum):
    """What became of a row."""

    COMMISSIONING = "commissioning"
    SCORED = "scored"
    UNSCORABLE = "unscorable"


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Times that shape the detector, all in seconds; they are published with the model.

    `window_seconds` is what a row's features look back over, `step_seconds` how often they are
    evaluated, `frozen_seconds` how long a sensor gives one value before it counts as frozen,
    `merge_gap_seconds` how long a quiet stretch may be within one event.
    """

    window_seconds: int = 180
    step_seconds: int = 5
    frozen_seconds: int = 600
    merge_gap_seconds: int = 60

    @property
    def lookback_seconds(self) -> int:
        """How much lookback a batch must carry for these settings."""
        return (
            max(self.window_seconds, self.frozen_seconds)
            + self.merge_gap_seconds
            + self.step_seconds
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """Features of the evaluated rows, before any forest.

    `rows` are the evaluated rows' positions in the batch, `held` gives every row of the batch
    the position in `rows` that it takes its score from, or -1; `features` has shape
    (len(rows), len(FEATURES)), `deviations` (len(rows), sensors). `degraded` names, for every
    row of the batch, the sensors that are left out and why.
    """

    sensors: tuple[str, ...]
    rows: np.ndarray
    held: np.ndarray
    features: np.ndarray
    deviations: np.ndarray
    degraded: np.ndarray


@dataclass(frozen=True, slots=True)
class RowScores:
    """What the detector says of each row that a batch adds, and of those just before it.

    All arrays have one entry a row of the batch, lookback included (its far end is not scored).
    `score` is NaN where `status` is not `scored`; `top_sensor` is "" there.
    """

    status: np.ndarray
    score: np.ndarray
    flag: np.ndarray
    top_sensor: np.ndarray
    degraded: np.ndarray


def sensor_scale(name: str, spread: float, drift: dict[str, float]) -> float:
    """What a sensor's deviations are measured in: its own spread and the drift usual for it.

    A recording's first minutes show its noise, not how far it wanders in normal hours; `drift`
    is that, learned from other recordings. Never below the sensor's resolution.
    """
    resolution = BY_NAME[name].resolution
    return max(float(np.hypot(spread, drift.get(name, _UNSEEN_DRIFT * resolution))), resolution)


def observe(
    batch: Batch,
    profile: Profile,
    drift: dict[str, float],
    settings: DetectorSettings,
) -> Observation:
    """Compute the features of a batch's rows after commissioning.

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
    live_profile = np.array([name in profile.live_sensors for name in sensors])
    centre, spread, scale = _measures(sensors, profile, drift)
    windows = SlidingWindows(times, readings_of(batch.table, sensors), centre, scale)
    candidates = np.flatnonzero(times >= _first_evaluated(batch, settings))
    scorable = _scorable(windows, candidates, live_profile, settings)
    unscorable = _steps(times, candidates[~scorable], batch.recording_start, settings)
    rows, held = _steps(times, candidates[scorable], batch.recording_start, settings)
    statistics = windows.statistics(rows, settings.window_seconds, settings.frozen_seconds)
    live = statistics.live & live_profile
    deviations = Deviations.of(statistics, spread / scale, live)
    return Observation(
        sensors=sensors,
        rows=rows,
        held=held,
        features=aggregate(deviations, live),
        deviations=deviations.largest,
        degraded=np.where(
            held >= 0,
            _spread(_degraded(sensors, statistics, live_profile), held),
            _degraded_where_unscorable(sensors, windows, unscorable, live_profile, settings),
        ),
    )


def _degraded_where_unscorable(
    sensors: tuple[str, ...],
    windows: SlidingWindows,
    unscorable: tuple[np.ndarray, np.ndarray],
    live_profile: np.ndarray,
    settings: DetectorSettings,
) -> np.ndarray:
    rows, held = unscorable
    statistics = windows.statistics(rows, settings.window_seconds, settings.frozen_seconds)
    return _spread(_degraded(sensors, statistics, live_profile), held)


def _measures(
    sensors: tuple[str, ...], profile: Profile, drift: dict[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, spread and scale of each sensor; 0, 0 and 1 where it is not live."""
    live = set(profile.live_sensors)
    known = [profile.sensors[name] if name in live else None for name in sensors]
    return (
        np.array([sensor.centre if sensor else 0.0 for sensor in known]),
        np.array([sensor.spread if sensor else 0.0 for sensor in known]),
        np.array(
            [
                sensor_scale(name, sensor.spread, drift) if sensor else 1.0
                for name, sensor in zip(sensors, known, strict=True)
            ]
        ),
    )


def _first_evaluated(batch: Batch, settings: DetectorSettings) -> int:
    """Earliest time (µs) whose score is wanted: a merge gap before the batch, on a step."""
    step = settings.step_seconds * SECOND
    wanted = int(batch.microseconds[batch.lookback_rows]) - settings.merge_gap_seconds * SECOND
    on_step = wanted - (wanted - batch.recording_start) % step
    return max(batch.commissioning_end, on_step)


def _scorable(
    windows: SlidingWindows,
    rows: np.ndarray,
    live_profile: np.ndarray,
    settings: DetectorSettings,
) -> np.ndarray:
    has_readings = windows.count(rows, settings.window_seconds) > 0
    frozen = windows.frozen(rows, settings.frozen_seconds)
    return (has_readings & ~frozen & live_profile).any(axis=1)


def _steps(
    times: np.ndarray, scorable: np.ndarray, recording_start: int, settings: DetectorSettings
) -> tuple[np.ndarray, np.ndarray]:
    """First scorable row of each step, and for every row the one it takes its score from."""
    held = np.full(len(times), -1)
    step = (times[scorable] - recording_start) // (settings.step_seconds * SECOND)
    begins = np.diff(step, prepend=-1) > 0
    held[scorable] = np.cumsum(begins) - 1
    return scorable[begins], held


@dataclass(frozen=True, slots=True)
class Deviations:
    """How far windows are from the profile, log-compressed; each of shape (windows, sensors).

    `level` and `slope` grow in either direction; `spread` is what a window's noise has beyond
    the sensor's own, so a noisy sensor is not abnormal for being so.
    """

    level: np.ndarray
    spread: np.ndarray
    slope: np.ndarray

    @classmethod
    def of(
        cls, statistics: WindowStatistics, own_spread: np.ndarray, live: np.ndarray
    ) -> "Deviations":
        """Compress statistics; `own_spread` is the profile's, in units of the sensor's scale."""
        beyond_own = np.log1p(statistics.spread) - np.log1p(own_spread)
        return cls(
            level=np.where(live, np.log1p(np.abs(statistics.level)), 0.0),
            spread=np.where(live, np.maximum(beyond_own, 0.0), 0.0),
            slope=np.where(live, np.log1p(np.abs(statistics.slope)), 0.0),
        )

    @property
    def largest(self) -> np.ndarray:
        """The most of level, spread and slope."""
        return np.maximum.reduce([self.level, self.spread, self.slope])


def aggregate(deviations: Deviations, live: np.ndarray) -> np.ndarray:
    """Aggregate deviations over the live sensors: shape (windows, len(FEATURES))."""
    number = np.maximum(live.sum(axis=1), 1)
    ordered = np.sort(np.pad(deviations.level, ((0, 0), (2, 0))), axis=1)
    return np.column_stack(
        [
            _root_mean_square(deviations.level, number),
            ordered[:, -1],
            ordered[:, -2],
            _root_mean_square(deviations.spread, number),
            _root_mean_square(deviations.slope, number),
        ]
    )


def one_sided(features: np.ndarray, floor: tuple[float, ...]) -> np.ndarray:
    """Raise features to their usual values: a forest isolates the quiet side as well, but a
    well that is quieter than most is not abnormal.
    """
    return np.maximum(features, np.array(floor))


def _root_mean_square(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    return np.sqrt((values * values).sum(axis=1) / number)


def _degraded(
    sensors: tuple[str, ...], statistics: WindowStatistics, live_profile: np.ndarray
) -> np.ndarray:
    """For each window, the sensors that are not scored and why: ``P-PDG=frozen QGL=missing``."""
    missing = statistics.readings == 0
    frozen = statistics.frozen & ~missing
    unprofiled = ~live_profile & ~missing & ~frozen
    states = missing + 2 * frozen + 3 * unprofiled
    kinds, which = np.unique(states, axis=0, return_inverse=True)
    texts = [describe_degraded(sensors, kind) for kind in kinds]
    return np.array(texts, dtype=object)[which.ravel()]


_DEGRADED: Final = ("", "missing", "frozen", "unprofiled")


def describe_degraded(sensors: tuple[str, ...], states: np.ndarray) -> str:
    """Name the degraded sensors: 1 missing, 2 frozen, 3 live but without a profile."""
    return " ".join(
        f"{name}={_DEGRADED[int(state)]}"
        for name, state in zip(sensors, states, strict=True)
        if state
    )


@dataclass(frozen=True)
class Detector:
    """Scores batches against their recordings' profiles.

    `drift` has the usual wandering of each sensor in its own unit, `floor` the usual value of
    each feature and `limits` what it does not reach in normal time; `threshold` is the forest's
    score (0 to 1, higher is more abnormal) from which a row is flagged.
    """

    forest: Forest
    threshold: float
    drift: dict[str, float]
    floor: tuple[float, ...]
    limits: tuple[float, ...]
    settings: DetectorSettings = field(default_factory=DetectorSettings)

    def score(self, batch: Batch, profile: Profile) -> RowScores:
        """Score a batch's rows; the rows just before it are scored too, for events' sake."""
        seen = observe(batch, profile, self.drift, self.settings)
        scores = self._score_features(seen.features)
        scored = seen.held >= 0
        commissioning = batch.microseconds < batch.commissioning_end
        status = np.where(
            commissioning,
            Status.COMMISSIONING.value,
            np.where(scored, Status.SCORED.value, Status.UNSCORABLE.value),
        )
        score = np.full(len(scored), np.nan)
        score[scored] = scores[seen.held[scored]]
        return RowScores(
            status=status,
            score=score,
            flag=scored & (np.nan_to_num(score) >= 1.0),
            top_sensor=_spread(_top_sensors(seen), seen.held),
            degraded=np.where(
                commissioning,
                _profile_degraded(batch.sensors, profile),
                seen.degraded,
            ),
        )

    def _score_features(self, features: np.ndarray) -> np.ndarray:
        by_forest = -self.forest.score_samples(one_sided(features, self.floor)) / self.threshold
        by_limits = (features / np.array(self.limits)).max(axis=1)
        return np.maximum(by_forest, by_limits)


def _top_sensors(seen: Observation) -> np.ndarray:
    names = np.array(seen.sensors, dtype=object)
    return names[np.argmax(seen.deviations, axis=1)] if len(seen.rows) else names[:0]


def _spread(evaluated: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Give each row the text of the row that it takes its score from; "" where there is none."""
    rows = np.full(len(held), "", dtype=object)
    rows[held >= 0] = evaluated[held[held >= 0]]
    return rows


def _profile_degraded(sensors: tuple[str, ...], profile: Profile) -> str:
    states = {SensorState.LIVE: 0, SensorState.MISSING: 1, SensorState.FROZEN: 2}
    return describe_degraded(
        sensors,
        np.array(
            [
                states[profile.sensors[name].state] if name in profile.sensors else 1
                for name in sensors
            ]
        ),
    )
