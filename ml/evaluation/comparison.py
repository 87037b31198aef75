"""Ours against each comparator, in sentences: where it is better, by how much, and where not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ml.evaluation.words import number, percent
from petrostream.durations import duration

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class _Metric:
    key: str
    name: str
    more_is_better: bool


_METRICS: Final = (
    _Metric("event_recall", "events found", more_is_better=True),
    _Metric("false_alarms_per_well_day", "false alarms per well-day", more_is_better=False),
    _Metric("median_detection_delay_s", "median delay", more_is_better=False),
    _Metric("mean_auc", "mean AUC", more_is_better=True),
    _Metric("row_f1", "F1 of rows", more_is_better=True),
    _Metric("rows_unscorable", "readings without a score", more_is_better=False),
)


def shown(key: str, value: float | None) -> str:
    """A metric as it is printed."""
    if key in ("event_recall", "row_precision", "row_recall"):
        return percent(value)
    if key.endswith("_delay_s"):
        return duration(value)
    return number(value)


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Say where ours is better and where it isn't, a phrase a metric; equal metrics are neither."""
    better, worse = list[str](), list[str]()
    for metric in _METRICS:
        mine, other = ours[metric.key], theirs[metric.key]
        if mine == other:
            continue
        phrase = f"{metric.name} {shown(metric.key, mine)} against {shown(metric.key, other)}"
        is_better = mine is not None and (other is None or (mine > other) == metric.more_is_better)
        (better if is_better else worse).append(phrase)
    return better, worse


def sentences(document: dict[str, Any]) -> Iterator[str]:
    """For each comparator, a sentence on the metrics and benchmark 2 (`EvaluationRun.to_json`)."""
    for name, theirs in document["comparators"].items():
        better, worse = compare(document, theirs)
        yield _sentence(name, better, worse)
    for name, theirs in document["benchmark2"]["comparators"].items():
        mine, other = document["benchmark2"]["mean_f1"], theirs["mean_f1"]
        if mine is not None and other is not None:
            word = "above" if mine > other else "below"
            yield (
                f"Benchmark 2: {abs(mine - other):.3f} {word} {name} "
                f"({number(mine)} against {number(other)})."
            )


def _sentence(name: str, better: list[str], worse: list[str]) -> str:
    parts = []
    if better:
        parts.append(f"better in {'; '.join(better)}")
    if worse:
        parts.append(f"{'Not' if better else 'not'} better in {'; '.join(worse)}")
    return f"Against {name}: {'. '.join(parts) or 'the same figures'}."
