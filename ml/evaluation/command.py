"""The `evaluate` command: data in, table on standard output, JSON and report where wanted."""

import argparse
import json
import sys
from pathlib import Path

from ml.console import report, say
from ml.evaluation.attach import evaluate_procedure, in_words, procedure_of
from ml.evaluation.instances import Instance
from ml.evaluation.protocol import EvaluationRun, evaluate
from ml.evaluation.report import write_report
from ml.evaluation.table import render
from ml.training.lessons import Lessons, evenly_chosen
from petrostream.errors import UsageError
from petrostream.evaluation.document import NotEvaluated, to_json
from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.registry.models import find_registry


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `evaluate`."""
    parser.add_argument("data", type=Path, help="a folder of 3W recordings of several wells")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write index.html there")
    parser.add_argument(
        "--attach",
        action="store_true",
        help="evaluate how the current model was made, and put the figures beside it",
    )
    parser.add_argument("--limit", type=int, help="at most so many recordings, evenly chosen")


def run_evaluate(options: argparse.Namespace) -> int:
    """Evaluate, print, write; 3 if some recordings could not be read."""
    if options.limit is not None and options.limit < 1:
        raise UsageError("--limit takes a whole number above 0")
    if options.attach:
        return _attach(options)
    _make_room(options)
    files, problems = find_recordings(options.data)
    chosen = evenly_chosen(files, options.limit)
    instances = [Instance.of(recording) for recording in read_recordings(chosen, problems)]
    evaluation = evaluate(instances, say)
    sys.stdout.write(render(evaluation))
    if options.json is not None:
        write_json(evaluation, options.json)
        say(f"figures in {options.json}")
    if options.report is not None:
        say(f"report in {write_report(evaluation, options.report)}")
    return report(problems)


def _attach(options: argparse.Namespace) -> int:
    """Evaluate the current model's making, on the recordings that it was trained on."""
    if options.json or options.report:
        raise UsageError("--attach goes without --json and --report")
    registry = find_registry()
    model = registry.load(registry.pointer())
    procedure = procedure_of(model)
    lessons = Lessons.find(options.data, options.limit, procedure.training, procedure.settings)
    document = evaluate_procedure(model, lessons.few(), say)
    registry.attach(model.version, to_json(document))
    if isinstance(document, NotEvaluated):
        raise UsageError(document.reason)
    sys.stdout.write(f"model {model.version} {in_words(document)}\n")
    return report(lessons.problems)


def _make_room(options: argparse.Namespace) -> None:
    """Make the folders that are wanted, before the work and not after it."""
    wanted = [options.json.parent] if options.json else []
    wanted += [options.report] if options.report else []
    for folder in wanted:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} can't be written: {error}") from error


def write_json(evaluation: EvaluationRun, path: Path) -> None:
    """Write the figures.

    Raises
    ------
    UsageError
        If the file can't be written.
    """
    text = json.dumps(evaluation.to_json(), indent=1, allow_nan=False)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the figures can't be written: {error}") from error
