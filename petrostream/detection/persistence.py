"""Alarms: from scores that come and go to something that an engineer is told.

A row is *in alarm* while at least half of the evaluations of the last minute are over the
threshold. That rests on a bounded stretch of time alone, so it does not depend on how the
recording was cut; rows in alarm within the merge gap are one event (`petrostream.alarms.events`).
"""

import numpy as np

from petrostream.detection.parameters import DetectorSettings
from petrostream.schema.columns import SECOND


def in_alarm(microseconds: np.ndarray, over: np.ndarray, settings: DetectorSettings) -> np.ndarray:
    """Whether an alarm is on at each evaluation, shape (evaluations,).

    Parameters
    ----------
    microseconds
        When the evaluations were, ascending, shape (evaluations,).
    over
        Whether their score reaches the threshold.
    settings
        `alarm_seconds` is how far back evaluations count.
    """
    since = np.searchsorted(microseconds, microseconds - settings.alarm_seconds * SECOND, "right")
    total = np.concatenate([[0], np.cumsum(over)])
    position = np.arange(1, len(over) + 1)
    return over & (2 * (total[position] - total[since]) >= position - since)


def count_alarms(
    microseconds: np.ndarray, scores: np.ndarray, threshold: float, settings: DetectorSettings
) -> int:
    """How many alarms start in the given evaluations of one recording."""
    alarm = in_alarm(microseconds, scores >= threshold, settings)
    gaps = np.diff(microseconds[alarm]) > settings.merge_gap_seconds * SECOND
    return int(np.count_nonzero(gaps)) + bool(alarm.any())
