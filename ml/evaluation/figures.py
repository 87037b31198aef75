"""The figures: from instances and verdicts to what the table and the JSON hold."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import Verdict, first_start
from petrostream.batches import readings_of
from petrostream.columns import SECOND
from petrostream.labels import EVENT_NAMES
from petrostream.sensors import BY_NAME

PROTOCOL: Final = "leave-one-well-out"
_DAY_SECONDS: Final = 86_400
_SLOW: Final = 0.9
_LIVE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an instance with a fault; `delay_seconds` is `None` where it was not found.

    `was_on` says that an alarm that had started before was on at the first abnormal row.
    """

    delay_seconds: float | None
    was_on: bool
    auc: float | None

    @property
    def found(self) -> bool:
        """Whether an alarm started in its abnormal time."""
        return self.delay_seconds is not None


def outcome_of(instance: Instance, verdict: Verdict) -> Outcome:
    """Say what became of an instance that has a fault."""
    span = instance.span
    if span is None:
        raise ValueError(f"{instance.name} has no abnormal row")
    start = first_start(verdict.alarms, span.first, span.last)
    return Outcome(
        delay_seconds=None if start is None else (start - span.first) / SECOND,
        was_on=any(alarm.start < span.first <= alarm.end for alarm in verdict.alarms),
        auc=area_under_curve(instance, verdict.score),
    )


def area_under_curve(instance: Instance, score: np.ndarray) -> float | None:
    """How well scores rank an instance's abnormal rows above its normal ones (ROC AUC).

    Labelled rows after commissioning; rows without a score rank lowest. `None` where there are
    not both kinds.
    """
    rows = instance.commissioned & (instance.normal | instance.abnormal)
    truth = instance.abnormal[rows]
    if truth.all() or not truth.any():
        return None
    ranked = score[rows]
    finite = np.isfinite(ranked)
    lowest = float(ranked[finite].min()) - 1.0 if finite.any() else 0.0
    return float(roc_auc_score(truth, np.where(finite, ranked, lowest)))


def false_alarms_of(instance: Instance, verdict: Verdict) -> int:
    """How many alarms start on a row that is labelled normal, after commissioning."""
    starts = np.array([alarm.start for alarm in verdict.alarms], dtype=np.int64)
    rows = np.searchsorted(instance.microseconds, starts)
    return int(np.count_nonzero(instance.watched[rows])) if len(rows) else 0


def normal_days_of(instance: Instance) -> float:
    """Normal time after commissioning in days; a row is a second."""
    return float(np.count_nonzero(instance.watched)) / _DAY_SECONDS


def unscored_of(instance: Instance, verdict: Verdict) -> int:
    """How many rows after commissioning have no score although a sensor is alive."""
    missing = instance.commissioned & ~np.isfinite(verdict.score)
    return int(np.count_nonzero(missing & has_live_sensor(instance))) if missing.any() else 0


def has_live_sensor(instance: Instance) -> np.ndarray:
    """Whether any sensor's readings changed in the ten minutes up to each row, shape (rows,)."""
    table = instance.recording.table
    names = tuple(name for name in table.schema.names if name in BY_NAME)
    times = instance.microseconds
    last_change = np.full(len(times), np.iinfo(np.int64).min // 2)
    for values in readings_of(table, names).T:
        rows = np.flatnonzero(np.isfinite(values))
        changed = rows[1:][np.diff(values[rows]) != 0]
        last_change[changed] = times[changed]
    return times - np.maximum.accumulate(last_change) < _LIVE_SECONDS * SECOND


def figures(instances: Sequence[Instance], verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """Compute a method's figures; JSON-ready, `None` where a figure has nothing to rest on.

    Parameters
    ----------
    instances
        What is judged, real wells only.
    verdicts
        What the method says, by the recording's name.
    """
    pairs = [(instance, verdicts[instance.name]) for instance in instances]
    events = [outcome_of(*pair) for pair in pairs if pair[0].is_event]
    false_alarms = sum(false_alarms_of(*pair) for pair in pairs)
    days = sum(normal_days_of(instance) for instance in instances)
    return {
        "protocol": PROTOCOL,
        "recordings": len(instances),
        **_event_figures(events),
        "false_alarms": false_alarms,
        "normal_well_days": days,
        "false_alarms_per_well_day": false_alarms / days if days else None,
        **_delay_figures(events),
        "mean_auc": _mean_auc(events),
        **_row_figures([pair for pair in pairs if pair[0].has_row_figures]),
        "rows_unscorable": sum(unscored_of(*pair) for pair in pairs),
        "by_class": _by_class(pairs),
    }


def _event_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found = sum(outcome.found for outcome in outcomes)
    return {
        "events": len(outcomes),
        "events_found": found,
        "event_recall": found / len(outcomes) if outcomes else None,
    }


def _delay_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    delays = [one.delay_seconds for one in outcomes if one.delay_seconds is not None]
    return {
        "median_detection_delay_s": float(np.median(delays)) if delays else None,
        "p90_detection_delay_s": float(np.quantile(delays, _SLOW)) if delays else None,
    }


def _mean_auc(outcomes: Sequence[Outcome]) -> float | None:
    areas = [outcome.auc for outcome in outcomes if outcome.auc is not None]
    return float(np.mean(areas)) if areas else None


def _row_figures(pairs: Sequence[tuple[Instance, Verdict]]) -> dict[str, Any]:
    hits = misses = wrong = 0
    for instance, verdict in pairs:
        abnormal = instance.abnormal & instance.commissioned
        hits += int(np.count_nonzero(abnormal & verdict.flag))
        misses += int(np.count_nonzero(abnormal & ~verdict.flag))
        wrong += int(np.count_nonzero(instance.watched & verdict.flag))
    return {
        "row_precision": hits / (hits + wrong) if hits + wrong else None,
        "row_recall": hits / (hits + misses) if hits + misses else None,
        "row_f1": 2 * hits / (2 * hits + misses + wrong) if hits + misses + wrong else None,
    }


def _by_class(pairs: Sequence[tuple[Instance, Verdict]]) -> dict[str, Any]:
    classes: dict[int, list[tuple[Instance, Outcome]]] = defaultdict(list)
    for instance, verdict in pairs:
        if instance.span is not None:
            classes[instance.event_class].append((instance, outcome_of(instance, verdict)))
    return {str(number): _class_figures(number, found) for number, found in sorted(classes.items())}


def _class_figures(number: int, found: Sequence[tuple[Instance, Outcome]]) -> dict[str, Any]:
    events = [outcome for instance, outcome in found if instance.is_event]
    short = [outcome for instance, outcome in found if instance.is_short]
    return {
        "name": EVENT_NAMES.get(number, f"class {number}"),
        **_event_figures(events),
        **_delay_figures(events),
        "mean_auc": _mean_auc(events),
        "short_events": len(short),
        "short_events_found": sum(outcome.found for outcome in short),
    }
