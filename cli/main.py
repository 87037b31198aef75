"""All verbs, in the order of the pipeline."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from cli.completion import PROGRAM, completion
from console.verbs import Verbs, run
from dashboard.command import dashboard
from demo.command import demo
from deploy.commands import down, powerbi, repair, status, up
from ml.commands import COMMANDS as MODELS
from ml.commands import annotations
from producer.commands import COMMANDS as DATA


def installed_version() -> str:
    """What was installed; `python -m cli` runs without that too."""
    try:
        return version(PROGRAM)
    except PackageNotFoundError:
        return "unknown: it is not installed"


program = click.version_option(installed_version(), package_name=PROGRAM)(
    Verbs(
        "Score offshore well sensors as their readings come in: from recordings to alarms.\n\n"
        "petrostream VERB --help shows a verb's options and examples.",
        {
            "Run it": (demo, up, down, status),
            "Data": DATA,
            "Models": MODELS,
            "Look, keep": (dashboard, annotations, repair, powerbi),
            "Shell": (completion,),
        },
    )
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the verbs and return its exit code."""
    return run(program, arguments, name=PROGRAM)
