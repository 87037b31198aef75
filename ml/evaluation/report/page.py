"""The page: tables, charts and a picture for each event, worst first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ml.evaluation import leave_one_well_out
from ml.evaluation.comparison import sentences, shown
from ml.evaluation.instances import Instance
from ml.evaluation.metrics_document import metrics_of_method
from ml.evaluation.protocol import WITHIN_BUDGET, EvaluationRun
from ml.evaluation.report.charts import delay_chart, roc_chart, tradeoff_chart
from ml.evaluation.report.pictures import picture
from ml.evaluation.table import COLUMNS
from ml.evaluation.thresholds import BUDGET
from ml.evaluation.tradeoff import TradeoffPoint, receiver_operating, tradeoff
from ml.evaluation.verdicts import DetectedAlarm, Verdict, outcome_of
from ml.evaluation.words import number
from petrostream.durations import duration
from petrostream.errors import UsageError, reason_of
from petrostream.evaluation.judging import Judged
from petrostream.schema.columns import SECOND
from petrostream.schema.labels import NORMAL, describe

_FILE: Final = "index.html"
_TEMPLATE: Final = "page.html.j2"
_MOST_QUIET_PICTURES: Final = 24
_MOST_ALARMS_LISTED: Final = 6


@dataclass(frozen=True)
class Shown:
    """A recording on the page: what became of it in words, and its picture."""

    title: str
    facts: str
    is_bad: bool
    picture: Markup
    alarms: tuple[str, ...]


def write_report(evaluation: EvaluationRun, folder: Path) -> Path:
    """Write the page into a folder and return where it is.

    Raises
    ------
    UsageError
        If it can't be written.
    """
    path = folder / _FILE
    try:
        path.write_text(render(evaluation), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the report can't be written: {reason_of(error)}") from error
    return path


def render(evaluation: EvaluationRun) -> str:
    """The page as HTML; it asks for nothing from anywhere."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(number=number, duration=duration, shown=shown)
    document = evaluation.to_json()
    judged = [
        (
            instance,
            outcome_of(instance, evaluation.verdicts[leave_one_well_out.NAME][instance.name]),
        )
        for instance in evaluation.instances
    ]
    return environment.get_template(_TEMPLATE).render(
        document=document,
        budget=BUDGET,
        columns=COLUMNS,
        methods={leave_one_well_out.NAME: document, **document["comparators"]},
        sentences=list(sentences(document)),
        benchmark2={
            leave_one_well_out.NAME: document["benchmark2"],
            **document["benchmark2"]["comparators"],
        },
        simulated=_simulated(evaluation),
        delays=delay_chart([found for _, found in judged if found.truth.is_event]),
        sections=_sections(evaluation, judged),
        **_curves(evaluation),
    )


def _curves(evaluation: EvaluationRun) -> dict[str, Any]:
    """The methods whose limit moves, and their charts."""
    names = [name for name in evaluation.verdicts if not name.endswith(WITHIN_BUDGET)]
    verdicts, instances = evaluation.verdicts, evaluation.instances
    curves = {
        name: tradeoff(
            instances,
            verdicts[name],
            *[leave_one_well_out.in_alarm] * (name == leave_one_well_out.NAME),
        )
        for name in names
    }
    now = {name: _stand(evaluation.metrics_of(name)) for name in names}
    roc = {name: receiver_operating(instances, verdicts[name]) for name in names}
    return {
        "curves": names,
        "tradeoff": tradeoff_chart(curves, now),
        "roc": roc_chart(roc),
    }


def _stand(found: dict[str, Any]) -> TradeoffPoint:
    return TradeoffPoint(
        1.0, found["false_alarms_per_well_day"] or 0.0, found["event_recall"] or 0.0
    )


def _simulated(evaluation: EvaluationRun) -> dict[str, Any] | None:
    if not evaluation.simulated:
        return None
    instances = [instance for instance, _ in evaluation.simulated]
    return metrics_of_method(
        instances, {one.name: verdict for one, verdict in evaluation.simulated}
    )


def _sections(
    evaluation: EvaluationRun, judged: list[tuple[Instance, Judged]]
) -> Iterator[tuple[str, list[Shown]]]:
    """Headings that have recordings under them, and these."""
    verdicts = evaluation.verdicts[leave_one_well_out.NAME]
    events = sorted((pair for pair in judged if pair[1].truth.is_event), key=_badness)
    disturbed = sorted(
        (pair for pair in judged if not pair[1].truth.has_fault and pair[1].false_alarms),
        key=lambda pair: -len(pair[1].false_alarms),
    )
    short = [pair for pair in judged if pair[1].truth.is_short]
    for heading, pairs in (
        ("Events, worst first", events),
        ("Instances without a fault that had false alarms", disturbed[:_MOST_QUIET_PICTURES]),
        ("Not judged: less than 20 minutes of normal rows before the fault", short),
    ):
        if pairs:
            yield heading, [_shown(one, verdicts[one.name], found) for one, found in pairs]


def _badness(pair: tuple[Instance, Judged]) -> tuple[bool, float, str]:
    """Missed ones first, those of low AUC before the others; then the slow ones."""
    instance, outcome = pair
    if outcome.delay_seconds is None:
        return False, outcome.auc or 0.0, instance.name
    return True, -outcome.delay_seconds, instance.name


def _shown(instance: Instance, verdict: Verdict, outcome: Judged) -> Shown:
    wrong = len(outcome.false_alarms)
    false_alarms = f"{wrong} false alarm{'s' * (wrong != 1)}"
    if outcome.truth.has_fault:
        title = f"{describe(outcome.truth.fault)}: {_outcome_words(outcome)}"
        facts = f"{instance.name}, AUC {number(outcome.auc)}, {false_alarms}"
    else:
        title, facts = f"{describe(NORMAL)}: {false_alarms}", instance.name
    alarms = [_in_words(instance, alarm) for alarm in verdict.alarms[:_MOST_ALARMS_LISTED]]
    more = len(verdict.alarms) - _MOST_ALARMS_LISTED
    if more > 0:
        alarms.append(f"and {more} more")
    return Shown(title, facts, not outcome.found, picture(instance, verdict), tuple(alarms))


def _outcome_words(outcome: Judged) -> str:
    if outcome.found:
        return f"found after {duration(outcome.delay_seconds)}"
    return "not found: an alarm was on already" if outcome.was_on else "not found"


def _in_words(instance: Instance, alarm: DetectedAlarm) -> str:
    """When an alarm came, how long it lasted, and which sensors drive it."""
    start = duration((alarm.start - int(instance.microseconds[0])) / SECOND)
    drivers = f", driven by {', '.join(alarm.drivers)}" if alarm.drivers else ""
    return f"after {start} for {duration((alarm.end - alarm.start) / SECOND)}{drivers}"
