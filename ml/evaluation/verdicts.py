"""What a method says of an instance (scores, flagged rows, alarms), and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from sklearn.metrics import roc_auc_score

from ml.evaluation.instances import Instance
from petrostream.alarms.events import Event, join
from petrostream.detection.parameters import DetectorSettings
from petrostream.evaluation.judging import AlarmSpan, Judged, judge_by
from petrostream.schema.columns import SECOND

GAP_SECONDS: Final = DetectorSettings().merge_gap_seconds
"""Flagged rows no further apart are one alarm: for every method what it is for ours."""


@dataclass(frozen=True, slots=True)
class DetectedAlarm:
    """From its first flagged row to its last, µs since 1970 (UTC); the sensors that drive it."""

    start: int
    end: int
    drivers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a method says of an instance.

    `score` and `flag` have shape (rows,); a score is NaN where there is none (commissioning, or
    nothing to score), and 1.0 is the method's limit.
    """

    score: np.ndarray
    flag: np.ndarray
    alarms: tuple[DetectedAlarm, ...]


def verdict_at(
    microseconds: np.ndarray, score: np.ndarray, limit: float, gap_seconds: int = GAP_SECONDS
) -> Verdict:
    """Flag the rows whose score reaches a limit (positive), and join them into alarms."""
    flag = np.nan_to_num(score, nan=-np.inf) >= limit
    return Verdict(score / limit, flag, alarms_of_rows(microseconds, flag, gap_seconds))


def alarms_of_rows(
    microseconds: np.ndarray, flag: np.ndarray, gap_seconds: int
) -> tuple[DetectedAlarm, ...]:
    """Join flagged rows into alarms, by the rule of `petrostream.alarms.events`."""
    starts = starts_of_rows(microseconds, flag, gap_seconds)
    rows = np.flatnonzero(flag)
    lasts = np.append(np.searchsorted(rows, starts)[1:] - 1, len(rows) - 1)
    return (
        tuple(
            DetectedAlarm(int(microseconds[start]), int(microseconds[end]))
            for start, end in zip(starts, rows[lasts], strict=True)
        )
        if len(rows)
        else ()
    )


def starts_of_rows(microseconds: np.ndarray, flag: np.ndarray, gap_seconds: int) -> np.ndarray:
    """Rows at which alarms start, shape (alarms,)."""
    rows = np.flatnonzero(flag)
    quiet = np.diff(microseconds[rows]) > gap_seconds * SECOND
    return rows[np.append(True, quiet)] if len(rows) else rows


def alarms_of_runs(runs: Iterable[Event], gap_seconds: int) -> tuple[DetectedAlarm, ...]:
    """Join the runs that batches wrote, as whoever reads the curated events does."""
    return tuple(
        DetectedAlarm(event.start, event.end, event.drivers) for event in join(runs, gap_seconds)
    )


def outcome_of(instance: Instance, verdict: Verdict) -> Judged:
    """Say what became of an instance, with the area under the ROC curve of its scores."""
    spans = [AlarmSpan(alarm.start, alarm.end) for alarm in verdict.alarms]
    judged = judge_by(instance.truth, instance.runs(verdict.flag), spans)
    return replace(judged, auc=area_under_curve(instance, verdict.score))


def area_under_curve(instance: Instance, score: np.ndarray) -> float | None:
    """How well scores rank an instance's abnormal rows above its normal ones (ROC AUC).

    Labelled rows after commissioning; rows without a score rank lowest. `None` where there are
    not both kinds.
    """
    rows = instance.watched & (instance.normal | instance.abnormal)
    truth = instance.abnormal[rows]
    if truth.all() or not truth.any():
        return None
    ranked = score[rows]
    finite = np.isfinite(ranked)
    lowest = float(ranked[finite].min()) - 1.0 if finite.any() else 0.0
    return float(roc_auc_score(truth, np.where(finite, ranked, lowest)))
