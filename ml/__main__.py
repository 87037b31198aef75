"""``python -m ml``: train, evaluate, publish, set limits, look for drift, list, roll back, export.

`annotations` exports what people said of alarms.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.evaluation.command import add_evaluate, run_evaluate
from ml.training.command import add_train, run_train
from ml.training.model_files import JOBLIB_NAME, read_evaluation, read_model
from ml.upkeep.drift import add_drift, report_drift
from ml.upkeep.engineering_limits import add_limits, publish_limits
from ml.upkeep.recommission import add_recommission, recommission
from petrostream.alarms.annotations import Annotations, to_csv
from petrostream.aws.buckets import Bucket
from petrostream.console import run_command
from petrostream.errors import ModelNotReady, UsageError
from petrostream.registry.model_files import FOREST_NAME, MANIFEST_NAME, Pointer
from petrostream.registry.models import ModelRegistry, find_registry
from petrostream.settings import Settings, use_stack


def add_publish(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `publish`."""
    parser.add_argument("folder", type=Path, help=f"holds {MANIFEST_NAME} and {FOREST_NAME}")


def run_publish(options: argparse.Namespace) -> int:
    """Publish a model that was trained before, with its evaluation where it has one."""
    packed, evaluation = read_model(options.folder), read_evaluation(options.folder)
    registry = find_registry()
    extra = options.folder / JOBLIB_NAME
    registry.publish(packed, {JOBLIB_NAME: extra.read_bytes()} if extra.is_file() else {})
    if evaluation is not None:
        registry.attach(packed.pointer.version, evaluation)
    sys.stdout.write(f"published model {packed.pointer.version}; it is now the current one\n")
    return 0


def run_limits(options: argparse.Namespace) -> int:
    """Publish the current model with the engineering limits of a file."""
    return publish_limits(find_registry(), options.file)


def run_drift(options: argparse.Namespace) -> int:
    """Say which wells to recommission and when to retrain; 0, 4 or 5."""
    registry = find_registry()
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
    registry = find_registry()
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
    registry = find_registry()
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
