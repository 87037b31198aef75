"""Commands that make models, judge them and choose the current one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.answers import Answer
from console.options import (
    AMOUNT,
    COUNT,
    PATH,
    STANDARD_OUTPUT,
    WHOLE,
    Later,
    json_file_option,
    json_option,
    shown_as,
)
from console.verbs import verb
from petrostream.errors import UsageError

if TYPE_CHECKING:
    from ml.training.fit import TrainingSettings


def _usual_training() -> "TrainingSettings":
    from ml.training.fit import TrainingSettings

    return TrainingSettings()


def _limits_file() -> Path:
    from ml.upkeep.engineering_limits import LIMITS_FILE

    return LIMITS_FILE


@verb(
    "train",
    "petrostream train data/3w",
    "petrostream train data/3w --limit 120 --false-alarms 0.1",
    "petrostream train data/3w --no-publish --into model --json",
)
@click.argument("data", type=PATH)
@click.option(
    "--into", type=PATH, metavar="FOLDER", help="where to", **shown_as("model/ in the state folder")
)
@click.option("--limit", type=COUNT, help="at most so many recordings, evenly chosen")
@click.option(
    "--false-alarms",
    type=AMOUNT,
    default=Later(lambda: _usual_training().false_alarms_per_day),
    show_default=True,
    help="alarms that a day of normal training time may have",
)
@click.option(
    "--trees",
    type=COUNT,
    default=Later(lambda: _usual_training().trees),
    show_default=True,
    help="of the forest",
)
@click.option(
    "--seed",
    type=WHOLE,
    default=Later(lambda: _usual_training().seed),
    show_default=True,
    help="another one grows another forest",
)
@click.option(
    "--limits",
    type=PATH,
    metavar="FILE",
    default=Later(_limits_file, "limits.toml"),
    show_default=True,
    help="engineering limits",
)
@click.option("--no-publish", is_flag=True, help="write the files only")
@click.option(
    "--no-evaluation",
    is_flag=True,
    help="don't train anew without each well to see how well that finds its faults",
)
@json_option
def train(  # noqa: PLR0913 - one of each option
    *,
    data: Path,
    into: Path | None,
    limit: int | None,
    false_alarms: float,
    trees: int,
    seed: int,
    limits: Path,
    no_publish: bool,
    no_evaluation: bool,
) -> Answer:
    """Train on recordings' normal time, and publish.

    DATA is a folder of 3W recordings, or one file. The model is published before it is evaluated.
    """
    from ml.train_and_publish import TrainOptions, train
    from ml.training.fit import TrainingSettings

    training = TrainingSettings(trees=trees, false_alarms_per_day=false_alarms, seed=seed)
    options = TrainOptions(data, training, limits, into, limit, not no_publish, not no_evaluation)
    return train(options)


@verb(
    "evaluate",
    "petrostream evaluate data/3w --report report",
    "petrostream evaluate data/3w --json figures.json",
    "petrostream evaluate data/3w --attach --limit 120",
)
@click.argument("data", type=PATH)
@json_file_option
@click.option("--report", type=PATH, metavar="FOLDER", help="write index.html there")
@click.option(
    "--attach",
    is_flag=True,
    help="evaluate how the current model was made, and put the figures beside it",
)
@click.option("--limit", type=COUNT, help="at most so many recordings, evenly chosen")
def evaluate(
    *, data: Path, json_file: str | None, report: Path | None, attach: bool, limit: int | None
) -> Answer:
    """Judge the detector, leaving one well out.

    DATA is a folder of 3W recordings of several wells: each well is judged by a model that was
    trained on the others.
    """
    from ml.evaluation.command import EvaluateOptions, run_attach, run_evaluate

    file = None if json_file in (None, STANDARD_OUTPUT) else Path(str(json_file))
    if not attach:
        return run_evaluate(EvaluateOptions(data, limit, file, report))
    if file or report:
        raise UsageError("--attach goes without --json FILE and --report")
    return run_attach(data, limit)


@verb("publish", "petrostream publish .petrostream/model", "petrostream publish model --json")
@click.argument("folder", type=PATH)
@json_option
def publish(folder: Path) -> Answer:
    """Publish a model trained before.

    FOLDER holds model.json and forest.npz, as `petrostream train --no-publish --into FOLDER`
    leaves them.
    """
    from ml.publishing import publish

    return publish(folder)


@verb("rollback", "petrostream rollback", "petrostream rollback --to 0123456789ab")
@click.option("--to", metavar="VERSION", help="this one instead of the one before")
@json_option
def rollback(to: str | None) -> Answer:
    """Go back to the model before."""
    from ml.publishing import roll_back

    return roll_back(to)


@verb("list", "petrostream list", "petrostream list --json")
@json_option
def list_() -> Answer:
    """List the published models."""
    from ml.publishing import list_models

    return list_models()
