"""How a method's figures move with its limit: events found against false alarms, and ROC."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import roc_curve

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import GAP_SECONDS, Verdict, starts_of_rows

InAlarm = Callable[[np.ndarray, np.ndarray], np.ndarray]
_TAILS: Final = np.geomspace(1e-6, 0.6, 60)
_EVERY_ROWS: Final = 10
_POINTS: Final = 200


@dataclass(frozen=True, slots=True)
class TradeoffPoint:
    """Figures at one limit; `limit` is in units of the method's own."""

    limit: float
    false_alarms_per_well_day: float
    event_recall: float


def tradeoff(
    instances: Sequence[Instance],
    verdicts: Mapping[str, Verdict],
    in_alarm: InAlarm = lambda _times, over: over,
) -> list[TradeoffPoint]:
    """Move the limit over the scores of normal time, from high to low.

    `in_alarm` is a method's way from rows over the limit to rows in alarm, given time stamps (µs)
    and what is over, shape (rows,) both; by default each row over the limit is in alarm.
    """
    days = sum(instance.truth.normal_days for instance in instances)
    events = [instance for instance in instances if instance.truth.is_event]
    normal = np.concatenate([verdicts[one.name].score[one.watched_normal] for one in instances])
    normal = normal[np.isfinite(normal)]
    if not len(normal) or not events or not days:
        return []
    points = []
    for limit in np.unique(np.quantile(normal, 1 - _TAILS))[::-1]:
        false_alarms = found = 0
        for instance in instances:
            score = verdicts[instance.name].score
            over = np.nan_to_num(score, nan=-np.inf) >= limit
            alarm = in_alarm(instance.microseconds, over) if over.any() else over
            starts = starts_of_rows(instance.microseconds, alarm, GAP_SECONDS)
            false_alarms += int(np.count_nonzero(instance.watched_normal[starts]))
            found += instance.truth.is_event and _finds(instance, starts)
        points.append(TradeoffPoint(float(limit), false_alarms / days, found / len(events)))
    return points


def _finds(instance: Instance, starts: np.ndarray) -> bool:
    first, last = instance.truth.first_abnormal, instance.truth.last_abnormal
    times = instance.microseconds[starts]
    return first is not None and bool(((times >= first) & (times <= last)).any())


def receiver_operating(
    instances: Sequence[Instance], verdicts: Mapping[str, Verdict]
) -> tuple[np.ndarray, np.ndarray]:
    """Share of normal rows flagged and share of abnormal rows flagged, as the limit moves.

    Every tenth labelled row after commissioning, of events and of instances without a fault, all
    together; rows without a score rank lowest. Two arrays of shape (points,).
    """
    truths, scores = [], []
    for instance in instances:
        if not instance.truth.is_short:
            rows = instance.watched & (instance.normal | instance.abnormal)
            truths.append(instance.abnormal[rows][::_EVERY_ROWS])
            scores.append(verdicts[instance.name].score[rows][::_EVERY_ROWS])
    truth, score = np.concatenate(truths), np.concatenate(scores)
    lowest = float(np.nanmin(score)) - 1 if np.isfinite(score).any() else 0.0
    false_rate, true_rate, _ = roc_curve(truth, np.where(np.isfinite(score), score, lowest))
    grid = np.unique(np.concatenate([np.linspace(0, 1, _POINTS), np.geomspace(1e-4, 1, _POINTS)]))
    return grid, np.interp(grid, false_rate, true_rate)
