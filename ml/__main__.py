"""``python -m ml``: train, evaluate, publish, set limits, look for drift, list, roll back, export.

`annotations` exports what people said of alarms.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import joblib

from ml.drift import add_drift, report_drift
from ml.evaluation.command import add_evaluate, run_evaluate
from ml.limits_file import LIMITS_FILE, add_limits, publish_limits, read_limits
from ml.recommission import add_recommission, recommission
from ml.training import Trained, TrainingSettings, train
from petrostream.annotations import Annotations, to_csv
from petrostream.console import EXIT_PARTIAL, run_command
from petrostream.errors import ModelNotReady, UsageError
from petrostream.models import (
    FOREST_NAME,
    MANIFEST_NAME,
    PackedModel,
    Pointer,
    pack,
    sha256,
    unpack,
)
from petrostream.recordings import Problem, RecordingFile, find_recordings, read_recordings
from petrostream.registry import ModelRegistry
from petrostream.settings import Settings, state_folder, use_stack
from petrostream.storage import Bucket

JOBLIB_NAME: Final = "model.joblib"


def add_train(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `train`."""
    defaults = TrainingSettings()
    parser.add_argument("data", type=Path, help="a folder of 3W recordings, or one file")
    parser.add_argument(
        "--into", type=Path, help="folder for the three files (default: model/ in the state folder)"
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


def run_train(options: argparse.Namespace) -> int:
    """Train and publish; 3 if some recordings could not be read."""
    if not 0 <= options.false_alarms < math.inf:
        raise UsageError("--false-alarms takes a number from 0 on, such as 0.1")
    if options.trees < 1 or (options.limit is not None and options.limit < 1):
        raise UsageError("--trees and --limit take whole numbers above 0")
    limits = read_limits(options.limits)
    registry = None if options.no_publish else _registry()
    files, problems = find_recordings(options.data)
    chosen = evenly_chosen(files, options.limit)
    trained = train(
        lambda: read_recordings(chosen, problems),
        TrainingSettings(
            trees=options.trees, false_alarms_per_day=options.false_alarms, seed=options.seed
        ),
        limits=limits,
    )
    packed = pack(trained.detector, trained.facts)
    folder = options.into or state_folder() / "model"
    files_of_model = write_files(trained, packed, folder)
    sys.stdout.write(
        f"trained model {packed.pointer.version} on {trained.facts['windows']} normal windows of "
        f"{trained.facts['recordings']} recordings; files in {folder}\n"
    )
    if registry is not None:
        registry.publish(packed, {JOBLIB_NAME: files_of_model[JOBLIB_NAME]})
        sys.stdout.write(f"published model {packed.pointer.version}; it is now the current one\n")
    return _report(problems)


def evenly_chosen(files: list[RecordingFile], limit: int | None) -> list[RecordingFile]:
    """At most `limit` of the files, spread evenly over their order."""
    if limit is None or len(files) <= limit:
        return files
    return [files[position * len(files) // limit] for position in range(limit)]


def write_files(trained: Trained, packed: PackedModel, folder: Path) -> dict[str, bytes]:
    """Write `model.joblib` (for the analyst), `forest.npz` and `model.json`."""
    sink = BytesIO()
    joblib.dump(trained.forest, sink, compress=3)
    contents = {
        JOBLIB_NAME: sink.getvalue(),
        FOREST_NAME: packed.forest,
        MANIFEST_NAME: packed.manifest,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in contents.items():
            (folder / name).write_bytes(body)
    except OSError as error:
        raise UsageError(f"the model can't be written into {folder}: {error}") from error
    return contents


def add_publish(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `publish`."""
    parser.add_argument("folder", type=Path, help=f"holds {MANIFEST_NAME} and {FOREST_NAME}")


def run_publish(options: argparse.Namespace) -> int:
    """Publish a model that was trained before."""
    packed = read_files(options.folder)
    registry = _registry()
    extra = options.folder / JOBLIB_NAME
    registry.publish(packed, {JOBLIB_NAME: extra.read_bytes()} if extra.is_file() else {})
    sys.stdout.write(f"published model {packed.pointer.version}; it is now the current one\n")
    return 0


def read_files(folder: Path) -> PackedModel:
    """Read a trained model's files and check that they belong together.

    Raises
    ------
    UsageError, InvalidModel
        If they are not there, or do not fit.
    """
    try:
        manifest = (folder / MANIFEST_NAME).read_bytes()
        forest = (folder / FOREST_NAME).read_bytes()
        version = str(json.loads(manifest)["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder} holds no trained model ({error}): make one with `python -m ml train`"
        ) from error
    packed = PackedModel(Pointer(version, sha256(manifest)), manifest, forest)
    unpack(packed.pointer, manifest, forest)
    return packed


def run_limits(options: argparse.Namespace) -> int:
    """Publish the current model with the engineering limits of a file."""
    return publish_limits(_registry(), options.file)


def run_drift(options: argparse.Namespace) -> int:
    """Say which wells to recommission and when to retrain; 0, 4 or 5."""
    registry = _registry()
    curated = Bucket(Settings.load("curated_bucket").curated_bucket)
    return report_drift(curated, registry.load(registry.pointer()), options.hours)


def run_recommission(options: argparse.Namespace) -> int:
    """Put a new profile in force for a well, from its next batch on."""
    use_stack()
    settings = Settings.load("raw_bucket", "curated_bucket")
    raw, curated = Bucket(settings.raw_bucket), Bucket(settings.curated_bucket)
    sys.stdout.write(f"{recommission(raw, curated, options.well, options.minutes)}\n")
    return 0


def add_rollback(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `rollback`."""
    parser.add_argument("--to", metavar="VERSION", help="this one instead of the one before")


def run_rollback(options: argparse.Namespace) -> int:
    """Move the pointer back to the model that was published before the current one."""
    registry = _registry()
    target = registry.pointer_to(options.to) if options.to else previous(registry)
    registry.move(target)
    sys.stdout.write(f"model {target.version} is the current one again\n")
    return 0


def previous(registry: ModelRegistry) -> Pointer:
    """The model that was first published before the current one.

    Raises
    ------
    UsageError
        If there was none.
    """
    current = registry.pointer()
    published = list(dict.fromkeys(registry.history()))
    if current not in published[1:]:
        raise UsageError(
            f"no model was published before {current.version}: name one with --to <version>"
        )
    return published[published.index(current) - 1]


def run_list(_options: argparse.Namespace) -> int:
    """List the models in the order of their publication."""
    registry = _registry()
    try:
        current = registry.pointer().version
    except ModelNotReady as error:
        sys.stdout.write(f"{error}\n")
        return 0
    for pointer in dict.fromkeys(registry.history()):
        sys.stdout.write(f"{pointer.version}{'  current' * (pointer.version == current)}\n")
    return 0


def add_annotations(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `annotations`."""
    parser.add_argument("--into", type=Path, help="file to write (default: standard output)")


def run_annotations(options: argparse.Namespace) -> int:
    """Write everything that people said of alarms as CSV."""
    use_stack()
    bucket = Bucket(Settings.load("curated_bucket").curated_bucket)
    text = to_csv(Annotations(bucket).read())
    if options.into is None:
        sys.stdout.write(text)
        return 0
    try:
        options.into.write_text(text, newline="")
    except OSError as error:
        raise UsageError(f"{options.into} can't be written: {error}") from error
    return 0


def _registry() -> ModelRegistry:
    use_stack()
    settings = Settings.load("models_bucket", "model_parameter")
    return ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)


def _report(problems: list[Problem]) -> int:
    distinct = sorted({str(problem) for problem in problems})
    for problem in distinct:
        sys.stderr.write(f"not read: {problem}\n")
    return EXIT_PARTIAL if distinct else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary, add, run in (
        ("train", "train on recordings' normal time, and publish", add_train, run_train),
        ("evaluate", "judge the detector, leaving one well out", add_evaluate, run_evaluate),
        ("publish", "publish a model trained before", add_publish, run_publish),
        ("limits", "publish engineering limits with the current model", add_limits, run_limits),
        ("drift", "compare what was scored lately with the training data", add_drift, run_drift),
        ("recommission", "learn a well's profile anew", add_recommission, run_recommission),
        ("rollback", "go back to the model before", add_rollback, run_rollback),
        ("list", "list the published models", lambda _: None, run_list),
        ("annotations", "export what people said of alarms", add_annotations, run_annotations),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        add(command)
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    return run_command(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
