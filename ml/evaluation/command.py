"""The `evaluate` command: data in, table on standard output, JSON and report where wanted."""

import json
from dataclasses import dataclass
from pathlib import Path

from console.answers import Answer
from console.speech import naming_unread, note, report_unread, say
from ml.evaluation.attach import evaluate_procedure, in_words, procedure_of
from ml.evaluation.instances import Instance
from ml.evaluation.protocol import EvaluationRun, evaluate
from ml.evaluation.report import write_report
from ml.evaluation.table import render
from ml.training.lessons import Lessons, evenly_chosen
from petrostream.errors import UsageError, reason_of
from petrostream.evaluation.document import NotEvaluated, to_json
from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.registry.models import find_registry


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to judge the detector on, and where its figures go besides."""

    data: Path
    limit: int | None = None
    json_file: Path | None = None
    report: Path | None = None


def run_evaluate(options: EvaluateOptions) -> Answer:
    """Evaluate, print, write; 3 if some recordings could not be read."""
    _make_room(options)
    files, problems = find_recordings(options.data)
    chosen = evenly_chosen(files, options.limit)
    with naming_unread(problems):
        instances = [Instance.of(recording) for recording in read_recordings(chosen, problems)]
        evaluation = evaluate(instances, note)
    say(render(evaluation).removesuffix("\n"))
    if options.json_file is not None:
        write_json(evaluation, options.json_file)
        note(f"figures in {options.json_file}")
    if options.report is not None:
        note(f"report in {write_report(evaluation, options.report)}")
    return Answer(evaluation.to_json(), report_unread(problems))


def run_attach(data: Path, limit: int | None = None) -> Answer:
    """Evaluate the current model's making, on the recordings that it was trained on.

    The figures are put beside the model.

    Raises
    ------
    UsageError
        If the recordings allow no evaluation; the model's page then says so.
    """
    registry = find_registry()
    model = registry.load(registry.pointer())
    procedure = procedure_of(model)
    lessons = Lessons.find(data, limit, procedure.training, procedure.settings)
    with naming_unread(lessons.problems):
        document = evaluate_procedure(model, lessons.few(), note)
        body = to_json(document)
        registry.attach(model.version, body)
        if isinstance(document, NotEvaluated):
            raise UsageError(document.reason)
    say(f"model {model.version} {in_words(document)}")
    return Answer(json.loads(body), report_unread(lessons.problems))


def _make_room(options: EvaluateOptions) -> None:
    """Make the folders that are wanted, before the work and not after it."""
    wanted = [options.json_file.parent] if options.json_file else []
    wanted += [options.report] if options.report else []
    for folder in wanted:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} can't be written: {reason_of(error)}") from error


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
        raise UsageError(f"{path} can't be written: {reason_of(error)}") from error
