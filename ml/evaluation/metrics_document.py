"""The figures as JSON has them: from instances and verdicts to what table, page and file hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import Verdict, outcome_of
from petrostream.evaluation.document import PROTOCOL
from petrostream.evaluation.metrics import Figures, figures_by_class
from petrostream.evaluation.metrics import figures as add_up
from petrostream.ingest.readings import readings_of
from petrostream.schema.columns import SECOND
from petrostream.schema.labels import EVENT_NAMES, NORMAL
from petrostream.schema.sensors import BY_NAME

_LIVE_SECONDS: Final = 600


def unscored_of(instance: Instance, verdict: Verdict) -> int:
    """How many rows after commissioning have no score although a sensor is alive."""
    missing = instance.watched & ~np.isfinite(verdict.score)
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
    judged = [outcome_of(*pair) for pair in pairs]
    found = add_up(judged)
    return {
        "protocol": PROTOCOL,
        "recordings": found.recordings,
        **_event_figures(found),
        "false_alarms": found.false_alarms,
        "normal_well_days": found.normal_days,
        "false_alarms_per_well_day": found.false_alarms_a_day,
        **_delay_figures(found),
        "mean_auc": found.mean_auc,
        "row_precision": found.rows.precision,
        "row_recall": found.rows.recall,
        "row_f1": found.rows.f1,
        "rows_unscorable": sum(unscored_of(*pair) for pair in pairs),
        "by_class": {
            str(fault): _class_figures(fault, of_class)
            for fault, of_class in figures_by_class(judged).items()
            if fault != NORMAL
        },
    }


def _event_figures(found: Figures) -> dict[str, Any]:
    return {
        "events": found.events,
        "events_found": found.found,
        "event_recall": found.recall,
    }


def _delay_figures(found: Figures) -> dict[str, Any]:
    return {
        "median_detection_delay_s": found.median_delay,
        "p90_detection_delay_s": found.slow_delay,
    }


def _class_figures(fault: int, found: Figures) -> dict[str, Any]:
    return {
        "name": EVENT_NAMES.get(fault, f"class {fault}"),
        **_event_figures(found),
        **_delay_figures(found),
        "mean_auc": found.mean_auc,
        "short_events": found.short,
        "short_events_found": found.short_found,
    }
