"""Charts of the whole evaluation: delays by class, ROC, events found against false alarms."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from markupsafe import Markup

from ml.evaluation.report import svg
from ml.evaluation.tradeoff import TradeoffPoint
from petrostream.evaluation.judging import Judged
from petrostream.schema.labels import describe

_DELAY_WIDTH: Final = 1040
_DELAY_LEFT: Final = 230
_DELAY_RIGHT: Final = 130
_ROW: Final = 34
_DELAY_TICKS: Final = (
    (10, "10 s"), (30, "30 s"), (60, "1 min"), (120, "2 min"), (300, "5 min"), (900, "15 min"),
    (3600, "1 h"), (14_400, "4 h"), (43_200, "12 h"), (129_600, "36 h"),
)  # fmt: skip
_SQUARE: Final = 500
_MARGIN: Final = 56
_LEAST_RATE: Final = 0.05
_MOST_RATE: Final = 200.0
_LEAST_SHARE: Final = 1e-3


def delay_chart(found: Sequence[Judged]) -> Markup:
    """One dot per event, one row per class: its delay to the right, missed ones at the end."""
    classes = sorted({each.truth.fault for each in found})
    across = svg.PixelScale(np.log(10), np.log(129_600), _DELAY_LEFT, _DELAY_WIDTH - _DELAY_RIGHT)
    bottom = len(classes) * _ROW + 6
    missed_at = _DELAY_WIDTH - _DELAY_RIGHT / 2
    parts = [
        *_delay_grid(across, bottom),
        svg.text("not found", missed_at, bottom + 18, text_anchor="middle"),
    ]
    for row, event_class in enumerate(classes):
        y = row * _ROW + _ROW / 2 + 3
        parts.append(svg.text(describe(event_class), _DELAY_LEFT - 14, y + 4, text_anchor="end"))
        of_class = [each for each in found if each.truth.fault == event_class]
        parts.extend(_dots(of_class, across, y, missed_at))
    return svg.drawing(_DELAY_WIDTH, bottom + 26, parts, "detection delay by class of event")


def _delay_grid(across: svg.PixelScale, bottom: float) -> Iterator[str]:
    for seconds, words in _DELAY_TICKS:
        x = across(np.log(seconds))
        yield svg.line(x, 0, x, bottom, class_="grid")
        yield svg.text(words, x, bottom + 18, text_anchor="middle")


def _dots(
    found: Sequence[Judged], across: svg.PixelScale, y: float, missed_at: float
) -> Iterator[str]:
    missed = 0
    for outcome in found:
        if outcome.delay_seconds is None:
            x, kind = missed_at - 40 + 13 * missed, "missed"
            missed += 1
        else:
            x, kind = across(np.log(max(outcome.delay_seconds, 10))), "hit"
        title = f"<title>{escape(outcome.truth.recording)}</title>"
        yield svg.element("circle", title, cx=float(x), cy=y, r=5, class_=kind)


def tradeoff_chart(
    curves: Mapping[str, Sequence[TradeoffPoint]], now: Mapping[str, TradeoffPoint]
) -> Markup:
    """Events found against false alarms per well-day, one line per method.

    A dot shows where a method stands. A line shows the most events found with so many false alarms
    or fewer: a limit that is so low that alarms never end finds fewer again.
    """
    across = svg.PixelScale(np.log(_LEAST_RATE), np.log(_MOST_RATE), _MARGIN, _SQUARE - 16)
    down = svg.PixelScale(0, 1, _SQUARE - _MARGIN, 12)
    parts = [*_share_grid(down)]
    for rate in (0.1, 0.3, 1, 3, 10, 30, 100):
        x = across(np.log(rate))
        parts.append(svg.line(x, 12, x, _SQUARE - _MARGIN, class_="grid"))
        parts.append(svg.text(f"{rate:g}", x, _SQUARE - _MARGIN + 18, text_anchor="middle"))
    parts.append(svg.text("none", _MARGIN, _SQUARE - _MARGIN + 18, text_anchor="middle"))
    parts.append(_title("false alarms per well-day"))
    for position, (name, points) in enumerate(curves.items()):
        rates, recall = _frontier(points)
        parts.append(svg.path(across(np.log(rates)), down(recall), class_=f"curve m{position}"))
        if name in now:
            x = across(
                np.log(np.clip(now[name].false_alarms_per_well_day, _LEAST_RATE, _MOST_RATE))
            )
            y = down(now[name].event_recall)
            parts.append(
                svg.element("circle", cx=float(x), cy=float(y), r=5, class_=f"now m{position}")
            )
    return svg.drawing(_SQUARE, _SQUARE, parts, "events found against false alarms per well-day")


def _frontier(points: Sequence[TradeoffPoint]) -> tuple[np.ndarray, np.ndarray]:
    """Highest recall at each rate of false alarms or below it, as the corners of a staircase."""
    ordered = sorted((one.false_alarms_per_well_day, one.event_recall) for one in points)
    rates, recalls = [_LEAST_RATE], [0.0]
    for rate, recall in ordered:
        if recall > recalls[-1] and rate <= _MOST_RATE:
            at = max(rate, _LEAST_RATE)
            rates += [at, at]
            recalls += [recalls[-1], recall]
    return np.array([*rates, _MOST_RATE]), np.array([*recalls, recalls[-1]])


def roc_chart(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Markup:
    """Abnormal rows flagged against normal rows flagged, one line per method.

    The share of normal rows is logarithmic, as only its left end is of use.
    """
    across = svg.PixelScale(np.log(_LEAST_SHARE), 0.0, _MARGIN, _SQUARE - 16)
    down = svg.PixelScale(0, 1, _SQUARE - _MARGIN, 12)
    parts = [*_share_grid(down)]
    for share in (0.001, 0.01, 0.1, 1):
        x = across(np.log(share))
        parts.append(svg.line(x, 12, x, _SQUARE - _MARGIN, class_="grid"))
        words = f"{100 * share:g} %"
        parts.append(svg.text(words, x - 6, _SQUARE - _MARGIN + 18, text_anchor="middle"))
    parts.append(_title("normal rows flagged"))
    for position, (false_rate, true_rate) in enumerate(curves.values()):
        kept = false_rate >= _LEAST_SHARE
        parts.append(
            svg.path(
                across(np.log(false_rate[kept])),
                down(true_rate[kept]),
                class_=f"curve m{position}",
            )
        )
    return svg.drawing(_SQUARE, _SQUARE, parts, "receiver operating characteristic over rows")


def _share_grid(down: svg.PixelScale) -> Iterator[str]:
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        y = down(share)
        yield svg.line(_MARGIN, y, _SQUARE - 16, y, class_="grid")
        yield svg.text(f"{100 * share:g} %", _MARGIN - 8, y + 4, text_anchor="end")


def _title(words: str) -> str:
    middle = (_MARGIN + _SQUARE) / 2
    return svg.text(words, middle, _SQUARE - 10, text_anchor="middle", class_="title")
