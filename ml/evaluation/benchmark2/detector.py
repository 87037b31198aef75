"""Our detector in benchmark 2: an instance's training windows are its commissioning time.

The forest, the scales and the limits come from other wells, as everywhere. What the benchmark
gives of the instance itself, the time of its training windows, is used as a long commissioning
time: the profile is learned from it, and so is how far each sensor wanders; and the limit lies
above the training windows' own scores. By how much is one number, a sum because scores are
logarithms, chosen on the other wells' instances.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from ml.evaluation.benchmark2.paper import Windows, choose_windows, micro_f1
from ml.evaluation.instances import Instance
from ml.evaluation.samples import WINDOW_ROWS
from petrostream.detection import profiles
from petrostream.detection.detector import Detector
from petrostream.detection.profiles import Profile
from petrostream.ingest.batches import LOOKBACK_SECONDS, Batch
from petrostream.ingest.readings import readings_of
from petrostream.schema.columns import IS_LOOKBACK, SECOND
from petrostream.schema.keys import BatchId, second_of

_MARGINS: Final = tuple(step / 50 for step in range(31))
_USUAL_MARGIN: Final = 0.2
"""Where there is no other well to choose by."""
_LEAST_MARGIN: Final = 1e-9
_LEAST_DRIFT: Final = 1e-9


@dataclass(frozen=True)
class WindowScores:
    """The detector's scores of an instance's windows; `training` and `test` as in `Windows`."""

    training: np.ndarray
    test: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, slots=True)
class Rule:
    """A window is abnormal from `margin` above the training windows' highest score on."""

    margin: float

    def flag(self, scores: WindowScores) -> np.ndarray:
        """Which test windows are called abnormal."""
        return scores.test >= scores.training.max(initial=0.0) + max(self.margin, _LEAST_MARGIN)

    def f1(self, scores: WindowScores) -> float:
        """How well that goes."""
        return micro_f1(scores.truth, self.flag(scores))


def benchmark2_scores(instance: Instance, detector: Detector) -> WindowScores:
    """Score an instance's windows; a window's score is that of its last row.

    A model's drift is that of a well without noise and grows with the well's restlessness; the
    instance's own, which has that growth in it, is therefore brought down by it.
    """
    windows = choose_windows(instance.labels, instance.truth.fault)
    first, end = int(windows.training[0]), int(windows.test.max()) + WINDOW_ROWS
    learned_end = int(windows.training[-1]) + WINDOW_ROWS
    seconds = _seconds(instance, first, learned_end)
    profile = profiles.learn(_stretch(instance, first, end, seconds))
    wandering = _wandering(instance, windows, profile)
    restless = float(np.exp(detector.exponent * profile.restlessness))
    own = {name: distance / restless for name, distance in wandering.items()}
    calibrated = replace(detector, drift={**detector.drift, **own})
    scores = calibrated.score(_stretch(instance, first, end, 0), profile).score
    scores = np.nan_to_num(scores, nan=0.0)
    last = WINDOW_ROWS - 1 - first
    return WindowScores(scores[windows.training + last], scores[windows.test + last], windows.truth)


def choose_rule(others: Sequence[WindowScores]) -> Rule:
    """Choose the rule with the best mean F1 on other wells' instances; of equals the middle."""
    rules = [Rule(margin) for margin in _MARGINS]
    if not others:
        return Rule(_USUAL_MARGIN)
    results = np.array([np.mean([rule.f1(scores) for scores in others]) for rule in rules])
    best = np.flatnonzero(results >= results.max() - 1e-9)
    return rules[int(best[len(best) // 2])]


def _seconds(instance: Instance, first: int, end: int) -> int:
    times = instance.microseconds
    return int(-(-(times[end - 1] + 1 - times[first] // SECOND * SECOND) // SECOND))


def _stretch(instance: Instance, first: int, end: int, commissioning_seconds: int) -> Batch:
    """Some rows of an instance as one batch with a commissioning time of its own."""
    times = instance.microseconds
    second = second_of(int(times[first]))
    table = instance.recording.table.slice(first, end - first)
    return Batch(
        id=BatchId(instance.well, instance.name, second),
        recording_start=int(times[first]) // SECOND * SECOND,
        commissioning_seconds=commissioning_seconds,
        lookback_seconds=LOOKBACK_SECONDS,
        table=table.append_column(IS_LOOKBACK, pa.array(np.zeros(end - first, dtype=bool))),
    )


def _wandering(instance: Instance, windows: Windows, profile: Profile) -> dict[str, float]:
    """How far each sensor's training windows are from the profile's centre, in its own unit."""
    sensors = profile.live_sensors
    values = readings_of(instance.recording.table, sensors)
    rows = windows.training[:, np.newaxis] + np.arange(WINDOW_ROWS)
    wandering = {}
    for column, name in enumerate(sensors):
        taken = values[rows, column]
        filled = taken[np.isfinite(taken).any(axis=1)]
        if len(filled):
            distances = np.abs(np.nanmean(filled, axis=1) - profile.sensors[name].centre)
            wandering[name] = max(float(distances.max()), _LEAST_DRIFT)
    return wandering
