"""The `evaluate` command: data in, table on standard output, JSON and report where wanted."""

import argparse
import json
import sys
from pathlib import Path

from ml.evaluation.instances import Instance
from ml.evaluation.protocol import Evaluation, evaluate
from ml.evaluation.report import write_report
from ml.evaluation.table import render
from petrostream.console import EXIT_PARTIAL
from petrostream.errors import UsageError
from petrostream.recordings import Problem, find_recordings, read_recordings


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `evaluate`."""
    parser.add_argument("data", type=Path, help="a folder of 3W recordings of several wells")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write index.html there")


def run_evaluate(options: argparse.Namespace) -> int:
    """Evaluate, print, write; 3 if some recordings could not be read."""
    _make_room(options)
    files, problems = find_recordings(options.data)
    instances = [Instance.of(recording) for recording in read_recordings(files, problems)]
    evaluation = evaluate(instances, _say)
    sys.stdout.write(render(evaluation))
    if options.json is not None:
        write_json(evaluation, options.json)
        _say(f"figures in {options.json}")
    if options.report is not None:
        _say(f"report in {write_report(evaluation, options.report)}")
    return _tell(problems)


def _make_room(options: argparse.Namespace) -> None:
    """Make the folders that are wanted, before the work and not after it."""
    wanted = [options.json.parent] if options.json else []
    wanted += [options.report] if options.report else []
    for folder in wanted:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} can't be written: {error}") from error


def write_json(evaluation: Evaluation, path: Path) -> None:
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


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _tell(problems: list[Problem]) -> int:
    for problem in sorted({str(problem) for problem in problems}):
        _say(f"not read: {problem}")
    return EXIT_PARTIAL if problems else 0
