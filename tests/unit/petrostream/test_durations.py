"""Lengths of time change their unit where people would."""

from datetime import timedelta

import pytest

from petrostream.durations import age, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (119, "119 s"),
        (120, "2.0 min"),
        (3594, "59.9 min"),
        (3599, "1 h"),
        (6804, "1 h 53 min"),
        (7200, "2 h"),
        (200_000, "55 h 33 min"),
    ],
)
def test_how_long(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(seconds=179), "2 min"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(days=729), "729 days"),
        (timedelta(days=8 * 366), "8 years"),
    ],
)
def test_how_old(length: timedelta, words: str) -> None:
    assert age(length) == words
