"""What became of recordings, as tables: by class, and metrics beside the published model's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pandas as pd

from petrostream.durations import duration
from petrostream.evaluation.judging import DetectionOutcome, Judged
from petrostream.evaluation.metrics import DetectionMetrics, by_class
from petrostream.schema.labels import describe

NONE: Final = "–"
CLASS: Final = "Class of the recording"
RECORDINGS: Final = "Recordings"
SYMBOLS: Final = {
    DetectionOutcome.FOUND: "✓ found",
    DetectionOutcome.MISSED: "✕ missed",
    DetectionOutcome.WAS_ON: "◐ was on already",
    DetectionOutcome.NOT_JUDGED: "– not judged",
}
FALSE_ALARM: Final = "! false alarm"
QUIET: Final = "○ kept quiet"
ALL: Final = "all classes"


def class_name(fault: int) -> str:
    """3W's name of a class, with its number.

    >>> class_name(7)
    '7: scaling in PCK'
    """
    return f"{fault}: {describe(fault)}"


def confusion(judged: Sequence[Judged]) -> pd.DataFrame:
    """Recordings of each class by what became of them.

    A recording with a fault counts once for its fault; one with normal time after commissioning
    counts once for that: with a false alarm, or quiet.
    """
    groups = [(class_name(fault), of_class) for fault, of_class in by_class(judged).items()]
    if len(groups) > 1:
        groups.append((ALL, list(judged)))
    return pd.DataFrame([{CLASS: name, **_counts(of_class)} for name, of_class in groups])


def _counts(judged: Sequence[Judged]) -> dict[str, int]:
    watched = [each for each in judged if each.truth.watched_normal_rows]
    disturbed = sum(bool(each.false_alarms) for each in watched)
    return {
        RECORDINGS: len(judged),
        **{
            words: sum(each.outcome is outcome for each in judged)
            for outcome, words in SYMBOLS.items()
        },
        FALSE_ALARM: disturbed,
        QUIET: len(watched) - disturbed,
    }


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}"


def _rounded(digits: int) -> Callable[[float | None], str]:
    return lambda value: NONE if value is None else f"{value:,.{digits}f}"


_ROWS: Final[Mapping[str, Callable[[DetectionMetrics], str]]] = {
    "Events found": lambda one: f"{one.found} of {one.events}",
    "False alarms per well-day": lambda one: _rounded(3)(one.false_alarms_a_day),
    "False alarms": lambda one: f"{one.false_alarms:,}",
    "Normal time watched, well-days": lambda one: _rounded(1)(one.normal_days),
    "Median delay": lambda one: duration(one.median_delay),
    "Nine of ten found within": lambda one: duration(one.slow_delay),
    "Mean area under the ROC curve": lambda one: _rounded(3)(one.mean_auc),
    "Precision of readings": lambda one: _share(one.rows.precision),
    "Recall of readings": lambda one: _share(one.rows.recall),
    "F1 of readings": lambda one: _share(one.rows.f1),
    "Recordings": lambda one: f"{one.recordings:,}",
}


def in_columns(columns: Mapping[str, DetectionMetrics]) -> pd.DataFrame:
    """A metric a row, in words; one column for each set of them."""
    return pd.DataFrame(
        [
            {"Figure": name, **{title: shown(one) for title, one in columns.items()}}
            for name, shown in _ROWS.items()
        ]
    )


def class_metrics(classes: Mapping[int, DetectionMetrics]) -> pd.DataFrame:
    """An evaluation's metrics of each class."""
    return pd.DataFrame(
        [
            {
                CLASS: class_name(fault),
                RECORDINGS: one.recordings,
                "Events": one.events,
                SYMBOLS[DetectionOutcome.FOUND]: one.found,
                SYMBOLS[DetectionOutcome.MISSED]: one.missed,
                SYMBOLS[DetectionOutcome.NOT_JUDGED]: one.short,
                "False alarms": one.false_alarms,
                "Median delay": duration(one.median_delay),
                "Mean AUC": _rounded(3)(one.mean_auc),
            }
            for fault, one in classes.items()
        ]
    )
