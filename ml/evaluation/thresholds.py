"""Limits from training wells alone: as low as a budget of false alarms allows."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import GAP_SECONDS
from ml.training.fit import TrainingSettings
from petrostream.schema.columns import SECOND

BUDGET: Final = TrainingSettings().false_alarms_per_day
"""False alarms per well-day that a limit may cause on the training wells: as for ours."""

_DAY_SECONDS: Final = 86_400
_COARSE: Final = np.geomspace(1e-7, 0.5, 80)
_REFINEMENTS: Final = 12
_APART: Final = 10**15


def limit_within_budget(
    training: Sequence[tuple[Instance, np.ndarray]], budget: float = BUDGET
) -> float:
    """Find the lowest limit from which on upwards the training wells keep the budget.

    Parameters
    ----------
    training
        Instances of training wells with their scores, shape (rows,); NaN where there is none.
    budget
        False alarms a day of normal time after commissioning.
    """
    times, scores = _normal_time(training)
    days = sum(np.count_nonzero(one.watched_normal) for one, _ in training) / _DAY_SECONDS
    if not len(scores):
        return 1.0
    too_low: float | None = None
    good = float(np.nextafter(scores.max(), np.inf))
    for limit in np.quantile(scores, 1 - _COARSE):
        if _alarms(times, scores, limit) > budget * days:
            too_low = float(limit)
            break
        good = float(limit)
    if too_low is not None:
        for _ in range(_REFINEMENTS):
            middle = (too_low + good) / 2
            if _alarms(times, scores, middle) > budget * days:
                too_low = middle
            else:
                good = middle
    return max(good, np.finfo(float).tiny)


def _normal_time(
    training: Sequence[tuple[Instance, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Normal rows with a score, end to end, with so much time between recordings that no alarm
    spans two.
    """
    times, scores = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for number, (instance, score) in enumerate(training):
        rows = instance.watched_normal & np.isfinite(score)
        elapsed = instance.microseconds[rows] - instance.microseconds[0]
        times.append(elapsed + number * _APART)
        scores.append(score[rows])
    return np.concatenate(times), np.concatenate(scores)


def _alarms(times: np.ndarray, scores: np.ndarray, limit: float) -> int:
    flagged = times[scores >= limit]
    return int(np.count_nonzero(np.diff(flagged) > GAP_SECONDS * SECOND)) + bool(len(flagged))
