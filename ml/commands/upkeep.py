"""Commands that keep a running model and its wells' profiles right."""

from pathlib import Path

import click

from console.answers import Answer
from console.options import AMOUNT, COUNT, PATH, Later, json_option, shown_as
from console.verbs import verb


def _limits_file() -> Path:
    from ml.upkeep.engineering_limits import LIMITS_FILE

    return LIMITS_FILE


def _usual_minutes() -> int:
    from ml.upkeep.recommission import USUAL_MINUTES

    return USUAL_MINUTES


@verb("limits", "petrostream limits", "petrostream limits limits.toml --json")
@click.argument("file", type=PATH, default=Later(_limits_file))
@json_option
def limits(file: Path) -> Answer:
    """Publish engineering limits with the current model.

    FILE is the settings file that holds them; limits.toml of the project if it is left out.
    """
    from ml.upkeep.engineering_limits import publish_limits

    return publish_limits(file)


@verb("drift", "petrostream drift", "petrostream drift --hours 72 --json")
@click.option("--hours", type=AMOUNT, default=24.0, show_default=True, help="how far back to look")
@json_option
def drift(hours: float) -> Answer:
    """Compare what was scored lately with the training data.

    Exit code 0: nothing to do; 4: recommission the wells that are named; 5: train again.
    """
    from ml.upkeep.drift import report_drift

    return report_drift(hours)


@verb(
    "recommission",
    "petrostream recommission WELL-00001",
    "petrostream recommission WELL-00001 --minutes 60",
)
@click.argument("well")
@click.option(
    "--minutes",
    type=COUNT,
    default=Later(_usual_minutes),
    show_default=True,
    help="how much of the newest time to learn from",
)
@json_option
def recommission(well: str, minutes: int) -> Answer:
    """Learn a well's profile anew.

    The new profile of WELL is in force from its next batch on.
    """
    from ml.upkeep.recommission import run

    return run(well, minutes)


@verb("annotations", "petrostream annotations --into annotations.csv")
@click.option("--into", type=PATH, metavar="FILE", help="where to", **shown_as("standard output"))
def annotations(into: Path | None) -> int:
    """Export what people said of alarms.

    As CSV: well, recording, start, end, kind, who, when, note; times in UTC.
    """
    from ml.upkeep.annotations import export_annotations

    return export_annotations(into)
