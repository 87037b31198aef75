"""The evaluation as text, for the terminal."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ml.evaluation import leave_one_well_out
from ml.evaluation.comparison import sentences, shown
from ml.evaluation.metrics_document import metrics_of_method
from ml.evaluation.protocol import EvaluationRun
from ml.evaluation.thresholds import BUDGET
from ml.evaluation.verdicts import outcome_of
from ml.evaluation.words import number
from petrostream.durations import duration

COLUMNS: Final = (
    ("events_found", "found"),
    ("event_recall", "recall"),
    ("false_alarms_per_well_day", "false/day"),
    ("median_detection_delay_s", "delay"),
    ("p90_detection_delay_s", "p90"),
    ("mean_auc", "AUC"),
    ("row_precision", "precision"),
    ("row_recall", "row recall"),
    ("row_f1", "row F1"),
    ("rows_unscorable", "unscored"),
)


def render(evaluation: EvaluationRun) -> str:
    """Write the table: ours and the comparators, classes, what was too short, benchmark 2."""
    document = evaluation.to_json()
    parts = [
        _heading(document),
        _methods(document),
        "",
        *_classes(document["by_class"]),
        "",
        *_short(evaluation),
        *_simulated(evaluation),
        *_benchmark2(document["benchmark2"]),
        "",
        *sentences(document),
    ]
    return "\n".join(parts) + "\n"


def _heading(document: dict[str, Any]) -> str:
    return (
        f"{document['protocol']}: {document['recordings']} recordings, {document['events']} "
        f"events, {document['normal_well_days']:.1f} well-days of normal time; limits by a "
        f"budget of {BUDGET:g} false alarms per well-day on the training wells\n"
    )


def _methods(document: dict[str, Any]) -> str:
    rows = [(leave_one_well_out.NAME, document), *document["comparators"].items()]
    return lines(
        ["", *(title for _, title in COLUMNS)],
        [[name, *(shown(key, found[key]) for key, _ in COLUMNS)] for name, found in rows],
    )


def _classes(classes: dict[str, Any]) -> Iterable[str]:
    yield lines(
        ["class", "found", "events", "delay", "AUC", "too short", "found"],
        [
            [
                f"{label} {one['name']}",
                str(one["events_found"]),
                str(one["events"]),
                duration(one["median_detection_delay_s"]),
                number(one["mean_auc"]),
                str(one["short_events"]),
                str(one["short_events_found"]),
            ]
            for label, one in classes.items()
        ],
    )


def _short(evaluation: EvaluationRun) -> Iterable[str]:
    """What became of the instances whose normal time is too short for an event."""
    short = [instance for instance in evaluation.instances if instance.truth.is_short]
    if not short:
        return
    yield "not judged, less than 20 minutes of normal rows before the fault:"
    for instance in short:
        outcome = outcome_of(instance, evaluation.verdicts[leave_one_well_out.NAME][instance.name])
        if outcome.found:
            words = f"found after {duration(outcome.delay_seconds)}"
        else:
            words = "an alarm was on already" if outcome.was_on else "not found"
        yield f"  {instance.name}: {outcome.truth.normal_rows_before} normal rows, {words}"
    yield ""


def _simulated(evaluation: EvaluationRun) -> Iterable[str]:
    """What ours says of the instances that no well gave; they count nowhere else."""
    if not evaluation.simulated:
        return
    instances = [instance for instance, _ in evaluation.simulated]
    found = metrics_of_method(
        instances, {one.name: verdict for one, verdict in evaluation.simulated}
    )
    yield (
        f"simulated and drawn, not counted above: {found['events_found']} of {found['events']} "
        f"events found, {found['false_alarms']} false alarms in "
        f"{found['normal_well_days']:.2f} well-days"
    )
    yield ""


def _benchmark2(found: dict[str, Any]) -> Iterable[str]:
    yield f"benchmark 2, {found['instances']} instances: mean F1 (standard deviation)"
    rows = [(leave_one_well_out.NAME, found), *found["comparators"].items()]
    for name, one in rows:
        yield f"  {name}: {number(one['mean_f1'])} ({number(one['sd_f1'])})"
    published = ", ".join(
        f"{name.replace('_', ' ')} {value:.3f}" for name, value in found["published"].items()
    )
    yield f"  published, of 36 instances: {published}"


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set a table in columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    )
