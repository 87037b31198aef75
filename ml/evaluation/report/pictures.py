"""A picture of one recording: sensors, score and limit, alarms, labels as shaded spans."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup

from ml.evaluation.instances import Instance
from ml.evaluation.report import svg
from ml.evaluation.verdicts import Verdict
from petrostream.evaluation.judging import UNLABELLED
from petrostream.ingest.batches import readings_of
from petrostream.schema.columns import SECOND
from petrostream.schema.labels import NORMAL, TRANSIENT_OFFSET
from petrostream.schema.sensors import BY_NAME, Kind

_WIDTH: Final = 1040
_LEFT: Final = 104
_RIGHT: Final = 140
_LANE: Final = 30
_GAP: Final = 5
_SCORE_LANE: Final = 84
_ALARM_LANE: Final = 12
_AXIS: Final = 22
_BUCKETS: Final = 420
_EDGES: Final = (0.002, 0.998)
_TICKS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880)
_MOST_TICKS: Final = 9
_SCORE_TICKS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_HOUR: Final = 60
_MEGA: Final = 1e6


@dataclass(frozen=True)
class _Buckets:
    """Rows gathered into as many buckets as the picture has room for."""

    minutes: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, instance: Instance) -> "_Buckets":
        times = instance.microseconds
        minutes = (times - times[0]) / (60 * SECOND)
        number = min(_BUCKETS, len(times))
        borders = np.linspace(0, minutes[-1] + 1e-9, number, endpoint=False)
        return cls(minutes, np.unique(np.searchsorted(minutes, borders)))

    def extremes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of each bucket, in turn, and their times in minutes.

        Missing values are left out; a bucket of nothing else is NaN.
        """
        low = np.minimum.reduceat(np.where(np.isfinite(values), values, np.inf), self.starts)
        high = np.maximum.reduceat(np.where(np.isfinite(values), values, -np.inf), self.starts)
        both = np.column_stack([low, high]).ravel()
        return np.repeat(self.minutes[self.starts], 2), np.where(np.isfinite(both), both, np.nan)


def picture(instance: Instance, verdict: Verdict) -> Markup:
    """Draw a recording as SVG."""
    buckets = _Buckets.of(instance)
    across = svg.Scale(0, float(buckets.minutes[-1]), _LEFT, _WIDTH - _RIGHT)
    names, values = _with_readings(instance)
    bottom = len(names) * (_LANE + _GAP)
    end = bottom + _SCORE_LANE + _GAP + _ALARM_LANE
    parts = [
        *_shades(instance, across, end),
        *_sensors(names, values, buckets, across),
        *_score(verdict, buckets, across, bottom),
        *_alarms(instance, verdict, across, bottom + _SCORE_LANE + _GAP),
        *_axis(across, end),
    ]
    return svg.drawing(_WIDTH, end + _AXIS, parts, f"sensors, score and alarms of {instance.name}")


def _with_readings(instance: Instance) -> tuple[tuple[str, ...], np.ndarray]:
    """The sensors that have any reading, and all readings: shape (rows, sensors)."""
    table = instance.recording.table
    names = tuple(name for name in table.schema.names if name in BY_NAME)
    values = readings_of(table, names)
    filled = np.isfinite(values).any(axis=0)
    return tuple(np.array(names)[filled].tolist()), values[:, filled]


def _shades(instance: Instance, across: svg.Scale, bottom: float) -> Iterator[str]:
    labels, times = instance.labels, instance.microseconds
    kinds = np.select(
        [labels == UNLABELLED, labels == NORMAL, labels > TRANSIENT_OFFSET],
        ["unlabelled", "normal", "transient"],
        "steady-fault",
    )
    starts = np.flatnonzero(np.append(True, kinds[1:] != kinds[:-1]))
    for start, end in zip(starts, [*starts[1:], len(kinds) - 1], strict=True):
        yield _span(times[start], times[end], times[0], across, bottom, str(kinds[start]))
    watched = np.flatnonzero(instance.watched)
    last = watched[0] if len(watched) else len(times) - 1
    yield _span(times[0], times[last], times[0], across, bottom, "commissioning")


def _span(  # noqa: PLR0913, PLR0917 - two times, their origin, and where to draw
    first: int, last: int, origin: int, across: svg.Scale, bottom: float, kind: str
) -> str:
    left, right = (across(float(time - origin) / (60 * SECOND)) for time in (first, last))
    return svg.rectangle(left, 0, right, bottom, class_=kind)


def _sensors(
    names: tuple[str, ...], values: np.ndarray, buckets: _Buckets, across: svg.Scale
) -> Iterator[str]:
    for lane, name in enumerate(names):
        top = lane * (_LANE + _GAP)
        minutes, levels = buckets.extremes(values[:, lane])
        low, high = np.nanquantile(values[:, lane], _EDGES)
        down = svg.Scale(float(low), float(high), top + _LANE - 1, top + 1)
        yield svg.path(
            across(minutes), np.clip(down(levels), top - 1, top + _LANE + 1), class_="reading"
        )
        middle = top + _LANE / 2 + 4
        yield svg.text(name, _LEFT - 8, middle, text_anchor="end")
        yield svg.text(_range(name, float(low), float(high)), _WIDTH - _RIGHT + 8, middle)


def _range(name: str, low: float, high: float) -> str:
    sensor = BY_NAME[name]
    unit, by = ("MPa", _MEGA) if sensor.kind is Kind.PRESSURE else (sensor.unit, 1.0)
    texts = dict.fromkeys(f"{value / by:.4g}" for value in (low, high))
    return f"{' – '.join(texts)} {unit}".strip()


def _score(verdict: Verdict, buckets: _Buckets, across: svg.Scale, top: float) -> Iterator[str]:
    finite = verdict.score[np.isfinite(verdict.score)]
    low = max(float(finite.min()), 0.02) if len(finite) else 0.1
    high = max(float(finite.max()), 1.0) if len(finite) else 1.0
    low = min(low, 0.5)
    down = svg.Scale(np.log(low), np.log(high) + 0.05, top + _SCORE_LANE, top + 4)
    minutes, levels = buckets.extremes(verdict.score)
    for tick in _SCORE_TICKS:
        if low <= tick <= high and tick != 1.0:
            y = down(np.log(tick))
            yield svg.line(_LEFT, y, _WIDTH - _RIGHT, y, class_="grid")
            yield svg.text(f"{tick:g}", _WIDTH - _RIGHT + 8, y + 4)
    y = down(0.0)
    yield svg.line(_LEFT, y, _WIDTH - _RIGHT, y, class_="limit")
    yield svg.text("1 = limit", _WIDTH - _RIGHT + 8, y + 4, class_="limit-text")
    with np.errstate(invalid="ignore"):
        logs = np.log(np.maximum(levels, low))
    yield svg.path(across(minutes), down(logs), class_="score")
    yield svg.text("score", _LEFT - 8, top + _SCORE_LANE / 2 + 4, text_anchor="end")


def _alarms(instance: Instance, verdict: Verdict, across: svg.Scale, top: float) -> Iterator[str]:
    origin = instance.microseconds[0]
    yield svg.text("alarms", _LEFT - 8, top + _ALARM_LANE - 1, text_anchor="end")
    for alarm in verdict.alarms:
        left = across((alarm.start - origin) / (60 * SECOND))
        right = max(across((alarm.end - origin) / (60 * SECOND)), left + 2)
        row = int(np.searchsorted(instance.microseconds, alarm.start))
        kind = "false-alarm" if instance.watched_normal[row] else "alarm"
        yield svg.rectangle(left, top, right, top + _ALARM_LANE, class_=kind)


def _axis(across: svg.Scale, top: float) -> Iterator[str]:
    step = next((tick for tick in _TICKS if across.high / tick <= _MOST_TICKS), _TICKS[-1])
    for minute in np.arange(0, across.high + 1e-9, step):
        x = across(float(minute))
        yield svg.line(x, top, x, top + 4, class_="tick")
        words = f"{minute / _HOUR:g} h" if step >= _HOUR else f"{minute:g} min"
        yield svg.text(words, x, top + 17, text_anchor="middle")
