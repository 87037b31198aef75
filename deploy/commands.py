"""The platform's part of the command line: `up`, `down`, `status`, `repair`, `powerbi`.

Help and completion import this, so the work is imported once it is to be done.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from console.answers import Answer
from console.options import AMOUNT, COUNT, PATH, WHOLE, Later, Number, OneOf, json_option, shown_as
from console.verbs import Verbs, end_like_interrupted, verb
from petrostream.errors import UsageError
from petrostream.settings import AWS, LOCAL, TARGETS

PROVISIONING: Final = ("auto", "terraform", "python")
_INVOCATIONS_SIDE_BY_SIDE: Final = 2


def _wells() -> int:
    from petrostream.aws.costs import WELLS

    return WELLS


def _wait_seconds() -> float:
    from deploy.account.leftovers import WAIT_SECONDS

    return WAIT_SECONDS


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    target = click.option(
        "--target",
        type=OneOf(TARGETS),
        default=LOCAL,
        show_default=True,
        help="the embedded AWS, or an account",
    )
    infrastructure = click.option(
        "--infrastructure",
        type=PATH,
        metavar="FOLDER",
        help="the Terraform root; a copy has a state of its own",
        **shown_as("infrastructure/"),
    )
    return target(infrastructure(function))


@verb(
    "up",
    "petrostream up",
    "petrostream up --port 5000 --provision python",
    "petrostream up --target aws --plan",
    "petrostream up --target aws --yes --data data/3w",
)
@_common
@click.option("--port", type=WHOLE, help="local: its port", **shown_as("a free one", 0))
@click.option(
    "--slots",
    type=COUNT,
    default=_INVOCATIONS_SIDE_BY_SIDE,
    show_default=True,
    help="local: invocations side by side",
)
@click.option(
    "--provision",
    type=OneOf(PROVISIONING),
    default=PROVISIONING[0],
    show_default=True,
    help="local: terraform, python, or auto: Terraform where it can be had",
)
@click.option("--plan", is_flag=True, help="aws: only show what would be done")
@click.option("--yes", is_flag=True, help="aws: do not ask")
@click.option(
    "--data",
    type=PATH,
    metavar="FOLDER",
    help="aws: train on these recordings if there is no model",
)
@click.option(
    "--wells",
    type=Number(int, 0),
    default=Later(_wells),
    show_default=True,
    help="aws: how many to reckon the costs for",
)
@json_option
def up(  # noqa: PLR0913 - one of each option
    *,
    target: str,
    infrastructure: Path | None,
    port: int,
    slots: int,
    provision: str,
    plan: bool,
    yes: bool,
    data: Path | None,
    wells: int,
) -> Answer:
    """Bring the platform up.

    On the embedded AWS of this machine, or on the AWS account that the credentials belong to:
    what will be done and what it costs is shown there, and asked about.
    """
    from deploy import embedded, root
    from deploy import up as account
    from petrostream.local.stack import StackOptions

    end_like_interrupted()
    folder = root.folder_or_default(infrastructure)
    if target == AWS:
        return account.run(account.UpOptions(folder, plan, yes, data and data.resolve(), wells))
    if plan:
        raise UsageError("there is a plan for --target aws only: the embedded AWS begins empty")
    provisioning = embedded.Provisioning(provision)
    return embedded.up(embedded.LocalOptions(folder, provisioning, StackOptions(port, slots)))


@verb("down", "petrostream down", "petrostream down --target aws --yes")
@_common
@click.option("--yes", is_flag=True, help="aws: do not ask")
@click.option(
    "--wait",
    type=AMOUNT,
    metavar="SECONDS",
    default=Later(_wait_seconds),
    show_default=True,
    help="aws: how long to wait for its listings to catch up",
)
@json_option
def down(*, target: str, infrastructure: Path | None, yes: bool, wait: float) -> Answer:
    """Take it down and leave nothing."""
    from deploy import down as account
    from deploy import embedded, root

    end_like_interrupted()
    if target == LOCAL:
        return embedded.down()
    folder = root.folder_or_default(infrastructure)
    return account.run(account.DownOptions(folder, yes, wait))


@verb("status", "petrostream status", "petrostream status --target aws --json")
@_common
@json_option
def status(*, target: str, infrastructure: Path | None) -> Answer:  # noqa: ARG001 - as `up` has it
    """Show what is up, what waits, the model, the costs."""
    from deploy.status import run

    return run(target)


@verb("repair", "petrostream repair", "petrostream repair --target aws --json")
@_common
@json_option
def repair(*, target: str, infrastructure: Path | None) -> Answer:  # noqa: ARG001 - as `up` has it
    """Write the summaries that scored batches lack.

    After a restore, say, or where an older version scored them. Safe to run at any time.
    """
    from deploy.repair import run

    end_like_interrupted()
    return run(target)


@verb("powerbi", "petrostream powerbi --target aws --profile analyst")
@_common
@click.option(
    "--profile", metavar="NAME", help="AWS profile of the one who reads", **shown_as("default")
)
@json_option
def powerbi(*, target: str, infrastructure: Path | None, profile: str | None) -> Answer:  # noqa: ARG001
    """Write what Power BI needs.

    Files for Power BI Desktop and its ODBC driver, which read the account through Athena.
    """
    from deploy.powerbi import run

    if target != AWS:
        raise UsageError("Power BI reads from an account: say --target aws")
    return run(profile)


deploy = Verbs(
    "Bring the platform up and down, see how it is, repair, Power BI.",
    {"Commands": (up, down, status, repair, powerbi)},
)
