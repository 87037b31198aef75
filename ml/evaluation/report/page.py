"""The page: tables, charts and a picture for each event, worst first."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from ml.evaluation import leave_one_well_out
from ml.evaluation.comparison import sentences, shown
from ml.evaluation.instances import Instance
from ml.evaluation.metrics_document import figures
from ml.evaluation.protocol import WITHIN_BUDGET, Evaluation
from ml.evaluation.report.charts import delay_chart, roc_chart, tradeoff_chart
from ml.evaluation.report.pictures import picture
from ml.evaluation.report.style import STYLE
from ml.evaluation.table import COLUMNS
from ml.evaluation.thresholds import BUDGET
from ml.evaluation.tradeoff import Point, receiver_operating, tradeoff
from ml.evaluation.verdicts import Verdict, outcome_of
from ml.evaluation.words import number
from petrostream.durations import duration
from petrostream.errors import UsageError
from petrostream.evaluation.judging import Judged
from petrostream.schema.columns import SECOND
from petrostream.schema.labels import describe

_FILE: Final = "index.html"
_MOST_QUIET_PICTURES: Final = 24
_MOST_ALARMS_LISTED: Final = 6


def write_report(evaluation: Evaluation, folder: Path) -> Path:
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
        raise UsageError(f"the report can't be written: {error}") from error
    return path


def render(evaluation: Evaluation) -> str:
    """The page as HTML; it asks for nothing from anywhere."""
    document = evaluation.to_json()
    body = "".join(
        [
            _heading(document),
            _methods(document),
            _against(document),
            _classes(document["by_class"]),
            _delays(evaluation),
            _curves(evaluation),
            _benchmark2(document["benchmark2"]),
            _simulated(evaluation),
            *_events(evaluation),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>PetroStream: evaluation</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _heading(document: dict[str, Any]) -> str:
    found = f"{document['events_found']} of {document['events']} events found"
    rate = document["false_alarms_per_well_day"]
    return (
        "<h1>How good the detector is</h1>"
        f"<p class=lead>{found}, {number(rate)} false alarms a well-day, half of the events within "
        f"{duration(document['median_detection_delay_s'])}.</p>"
        f"<p>{document['recordings']} recordings of real wells, each judged by what was learned "
        f"on the other wells ({document['protocol']}); {document['normal_well_days']:.1f} "
        "well-days of labelled normal time after commissioning. Limits follow from the training "
        f"wells and a budget of {BUDGET:g} false alarms a well-day, or are a method's own. "
        "Definitions: <code>docs/evaluation.md</code>.</p>"
    )


def _methods(document: dict[str, Any]) -> str:
    rows = [(leave_one_well_out.NAME, document), *document["comparators"].items()]
    return "<h2>Against the comparators</h2>" + _table(
        ["method", *(title for _, title in COLUMNS)],
        [[name, *(shown(key, found[key]) for key, _ in COLUMNS)] for name, found in rows],
        strong_first_row=True,
    )


def _against(document: dict[str, Any]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(document))
    summary = "<summary>Where ours is better, and where not</summary>"
    return f"<details open>{summary}<ul>{items}</ul></details>"


def _classes(classes: dict[str, Any]) -> str:
    return "<h2>By class of event</h2>" + _table(
        ["class", "events", "found", "median delay", "slowest tenth", "AUC", "too short", "found"],
        [
            [
                f"{label}: {one['name']}",
                str(one["events"]),
                str(one["events_found"]),
                duration(one["median_detection_delay_s"]),
                duration(one["p90_detection_delay_s"]),
                number(one["mean_auc"]),
                str(one["short_events"]),
                str(one["short_events_found"]),
            ]
            for label, one in classes.items()
        ],
    )


def _delays(evaluation: Evaluation) -> str:
    judged = [each for _, each in _outcomes(evaluation) if each.truth.is_event]
    return f"<h2>Detection delay</h2><figure>{delay_chart(judged)}</figure>"


def _curves(evaluation: Evaluation) -> str:
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
    now = {name: _stand(evaluation.figures_of(name)) for name in names}
    roc = {name: receiver_operating(instances, verdicts[name]) for name in names}
    keys = "".join(
        f'<span class="key m{position}">{escape(name)}</span>'
        for position, name in enumerate(names)
    )
    return (
        "<h2>What a limit costs</h2>"
        "<p>Left: the most events that a method finds with so many false alarms or fewer, "
        "whatever the limit, chosen in hindsight; the dot is where its own limit puts it. Right: "
        "the share of abnormal rows flagged against that of normal rows.</p>"
        f"<p class=keys>{keys}</p><div class=pair><figure>{tradeoff_chart(curves, now)}</figure>"
        f"<figure>{roc_chart(roc)}</figure></div>"
    )


def _stand(found: dict[str, Any]) -> Point:
    return Point(1.0, found["false_alarms_per_well_day"] or 0.0, found["event_recall"] or 0.0)


def _benchmark2(found: dict[str, Any]) -> str:
    rows = [(leave_one_well_out.NAME, found), *found["comparators"].items()]
    cells = [[name, number(one["mean_f1"]), number(one["sd_f1"])] for name, one in rows]
    published = [
        [f"published: {name.replace('_', ' ')}", f"{f1:.3f}", ""]
        for name, f1 in found["published"].items()
    ]
    return (
        "<h2>Benchmark 2 of the 3W paper</h2>"
        f"<p>{found['instances']} instances here; the published figures are of 36.</p>"
        + _table(
            ["method", "mean F1", "standard deviation"], cells + published, strong_first_row=True
        )
    )


def _simulated(evaluation: Evaluation) -> str:
    if not evaluation.simulated:
        return ""
    instances = [instance for instance, _ in evaluation.simulated]
    found = figures(instances, {one.name: verdict for one, verdict in evaluation.simulated})
    return (
        "<h2>Simulated and drawn instances</h2><p>Judged by a model of all real wells, counted "
        f"nowhere else: {found['events_found']} of {found['events']} events found, "
        f"{found['false_alarms']} false alarms in {found['normal_well_days']:.2f} well-days.</p>"
    )


def _events(evaluation: Evaluation) -> Iterator[str]:
    verdicts = evaluation.verdicts[leave_one_well_out.NAME]
    outcomes = _outcomes(evaluation)
    judged = sorted((pair for pair in outcomes if pair[1].truth.is_event), key=_badness)
    short = [pair for pair in outcomes if pair[1].truth.is_short]
    disturbed = sorted(
        (pair for pair in outcomes if not pair[1].truth.has_fault and pair[1].false_alarms),
        key=lambda pair: -len(pair[1].false_alarms),
    )
    yield _KEY
    yield "<h2>Events, worst first</h2>"
    yield from (_event(instance, verdicts[instance.name], found) for instance, found in judged)
    if disturbed:
        yield "<h2>Instances without a fault that had false alarms</h2>"
        for instance, found in disturbed[:_MOST_QUIET_PICTURES]:
            yield _quiet(instance, verdicts[instance.name], found)
    if short:
        yield "<h2>Not judged: less than 20 minutes of normal rows before the fault</h2>"
        yield from (_event(instance, verdicts[instance.name], found) for instance, found in short)


_KEY: Final = (
    "<p class=keys><span class='patch commissioning'></span>commissioning"
    "<span class='patch transient'></span>transient<span class='patch steady'></span>steady fault"
    "<span class='patch unlabelled'></span>unlabelled<span class='patch alarm'></span>alarm"
    "<span class='patch false-alarm'></span>false alarm</p>"
)


def _outcomes(evaluation: Evaluation) -> list[tuple[Instance, Judged]]:
    verdicts = evaluation.verdicts[leave_one_well_out.NAME]
    return [
        (instance, outcome_of(instance, verdicts[instance.name]))
        for instance in evaluation.instances
    ]


def _badness(pair: tuple[Instance, Judged]) -> tuple[bool, float, str]:
    """Missed ones first, those of low AUC before the others; then the slow ones."""
    instance, outcome = pair
    if outcome.delay_seconds is None:
        return False, outcome.auc or 0.0, instance.name
    return True, -outcome.delay_seconds, instance.name


def _event(instance: Instance, verdict: Verdict, outcome: Judged) -> str:
    if outcome.found:
        fate = f"found after {duration(outcome.delay_seconds)}"
    else:
        fate = "not found: an alarm was on already" if outcome.was_on else "not found"
    wrong = len(outcome.false_alarms)
    return _figure(
        instance,
        verdict,
        title=f"{describe(outcome.truth.fault)}: {fate}",
        facts=f"AUC {number(outcome.auc)}, {wrong} false alarm{'s' * (wrong != 1)}",
        is_bad=not outcome.found,
    )


def _quiet(instance: Instance, verdict: Verdict, outcome: Judged) -> str:
    wrong = len(outcome.false_alarms)
    title = f"{describe(0)}: {wrong} false alarm{'s' * (wrong != 1)}"
    return _figure(instance, verdict, title=title, facts="", is_bad=True)


def _figure(instance: Instance, verdict: Verdict, *, title: str, facts: str, is_bad: bool) -> str:
    words = ", ".join(part for part in (instance.name, facts) if part)
    return (
        f'<figure class="event{" bad" if is_bad else ""}"><figcaption><b>{escape(title)}</b>'
        f"<span>{escape(words)}</span></figcaption>{picture(instance, verdict)}"
        f"{_alarms(instance, verdict)}</figure>"
    )


def _alarms(instance: Instance, verdict: Verdict) -> str:
    """The first alarms in words: when, how long, and which sensors drive them."""
    texts = []
    for alarm in verdict.alarms[:_MOST_ALARMS_LISTED]:
        start = (alarm.start - int(instance.microseconds[0])) / SECOND
        drivers = f", driven by {', '.join(alarm.drivers)}" if alarm.drivers else ""
        length = duration((alarm.end - alarm.start) / SECOND)
        texts.append(f"after {duration(start)} for {length}{drivers}")
    more = len(verdict.alarms) - _MOST_ALARMS_LISTED
    if more > 0:
        texts.append(f"and {more} more")
    return f"<p class=alarms>Alarms: {escape('; '.join(texts) or 'none')}.</p>"


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, strong_first_row: bool = False
) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr{' class=strong' if strong_first_row and position == 0 else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for position, row in enumerate(rows)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
