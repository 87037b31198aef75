"""The `train` command: train, write the files, publish, then evaluate how that was done."""

import argparse
import math
import sys
from pathlib import Path

from ml.console import report, say
from ml.evaluation.attach import evaluate_procedure, in_words
from ml.training.fit import TrainingSettings, train_on
from ml.training.lessons import Lessons
from ml.training.model_files import JOBLIB_NAME, write_file, write_model
from ml.upkeep.engineering_limits import LIMITS_FILE, read_limits
from petrostream.detection.parameters import DetectorSettings
from petrostream.errors import UsageError
from petrostream.evaluation.document import to_json
from petrostream.registry.model_files import EVALUATION_NAME, PackedModel, pack, unpack
from petrostream.registry.models import ModelRegistry, find_registry
from petrostream.settings import state_folder


def add_train(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `train`."""
    defaults = TrainingSettings()
    parser.add_argument("data", type=Path, help="a folder of 3W recordings, or one file")
    parser.add_argument(
        "--into", type=Path, help="folder for the files (default: model/ in the state folder)"
    )
    parser.add_argument("--limit", type=int, help="at most so many recordings, evenly chosen")
    parser.add_argument(
        "--false-alarms",
        type=float,
        default=defaults.false_alarms_per_day,
        help="alarms that a day of normal training time may have (default: %(default)s)",
    )
    parser.add_argument("--trees", type=int, default=defaults.trees)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument(
        "--limits", type=Path, default=LIMITS_FILE, help="engineering limits (default: limits.toml)"
    )
    parser.add_argument("--no-publish", action="store_true", help="write the files only")
    parser.add_argument(
        "--no-evaluation",
        action="store_true",
        help="don't train anew without each well to see how well that finds its faults",
    )


def run_train(options: argparse.Namespace) -> int:
    """Train and publish, then evaluate; 3 if some recordings could not be read."""
    if not 0 <= options.false_alarms < math.inf:
        raise UsageError("--false-alarms takes a number from 0 on, such as 0.1")
    if options.trees < 1 or (options.limit is not None and options.limit < 1):
        raise UsageError("--trees and --limit take whole numbers above 0")
    training = TrainingSettings(
        trees=options.trees, false_alarms_per_day=options.false_alarms, seed=options.seed
    )
    limits = read_limits(options.limits)
    registry = None if options.no_publish else find_registry()
    lessons = Lessons.find(options.data, options.limit, training, DetectorSettings())
    trained = train_on(lambda: lessons, training, lessons.settings, limits)
    packed = pack(trained.detector, trained.facts)
    folder = options.into or state_folder() / "model"
    files = write_model(trained, packed, folder)
    _print(
        f"trained model {packed.pointer.version} on {trained.facts['windows']} normal windows of "
        f"{trained.facts['recordings']} recordings; files in {folder}"
    )
    if registry is not None:
        registry.publish(packed, {JOBLIB_NAME: files[JOBLIB_NAME]})
        _print(f"published model {packed.pointer.version}; it is now the current one")
    if not options.no_evaluation:
        _evaluate(packed, lessons, folder, registry)
    return report(lessons.problems)


def _evaluate(
    packed: PackedModel, lessons: Lessons, folder: Path, registry: ModelRegistry | None
) -> None:
    """The model is published by now: it scores while it is evaluated."""
    model = unpack(packed.pointer, packed.manifest, packed.forest)
    document = evaluate_procedure(model, lessons.few(), say)
    body = to_json(document)
    write_file(folder, EVALUATION_NAME, body)
    if registry is not None:
        registry.attach(model.version, body)
    _print(in_words(document))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
