"""From scores that come and go to alarms."""

import numpy as np

from petrostream.detection.parameters import DetectorSettings
from petrostream.detection.persistence import count_alarms, in_alarm

SETTINGS = DetectorSettings()
STEP = SETTINGS.step_seconds * 1_000_000


def times(evaluations: int) -> np.ndarray:
    return np.arange(evaluations) * STEP


def test_a_short_burst_is_no_alarm_and_a_lasting_one_is_within_half_a_minute() -> None:
    over = np.zeros(100, dtype=bool)
    over[20:25] = True
    over[60:] = True
    alarm = in_alarm(times(100), over, SETTINGS)
    assert not alarm[:60].any()
    first = int(np.argmax(alarm))
    assert (first - 60) * SETTINGS.step_seconds <= SETTINGS.alarm_seconds / 2
    assert alarm[first:].all()


def test_what_was_more_than_a_minute_ago_says_nothing() -> None:
    over = np.random.default_rng(5).random(400) < 0.5
    whole = in_alarm(times(400), over, SETTINGS)
    reach = SETTINGS.alarm_seconds // SETTINGS.step_seconds
    for start in (37, 200, 311):
        part = in_alarm(times(400)[start:], over[start:], SETTINGS)
        assert (part[reach:] == whole[start + reach :]).all()


def test_alarms_within_the_merge_gap_are_one() -> None:
    scores = np.zeros(1000)
    gap = SETTINGS.merge_gap_seconds // SETTINGS.step_seconds
    scores[100:130] = scores[100 + gap : 130 + gap] = scores[700:730] = 2.0
    assert count_alarms(times(1000), scores, 1.0, SETTINGS) == 2
    assert count_alarms(times(1000), scores, 3.0, SETTINGS) == 0
    assert count_alarms(times(0), np.empty(0), 1.0, SETTINGS) == 0
