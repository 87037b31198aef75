"""``python -m deploy``: bring the platform up and down, see how it is, repair, Power BI."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from deploy import down, embedded, powerbi, repair, root, stackfile, status, up
from deploy.account import leftovers
from deploy.console import progress, say
from deploy.embedded import LocalOptions, Provisioning
from petrostream.aws import costs
from petrostream.console import run_command
from petrostream.errors import UsageError
from petrostream.local.stack import StackOptions
from petrostream.settings import AWS, LOCAL, TARGETS, state_folder


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default=LOCAL, help="local (default) or aws")
    parser.add_argument(
        "--infrastructure",
        type=Path,
        metavar="FOLDER",
        help="the Terraform root (default: infrastructure/); a copy has a state of its own",
    )


def _add_up(parser: argparse.ArgumentParser) -> None:
    local, account = parser.add_argument_group("local"), parser.add_argument_group("aws")
    local.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    local.add_argument("--slots", type=int, default=2, help="invocations side by side")
    local.add_argument(
        "--provision",
        default=Provisioning.AUTO.value,
        help="terraform, python, or auto: Terraform where it can be had (default)",
    )
    account.add_argument("--plan", action="store_true", help="only show what would be done")
    account.add_argument("--yes", action="store_true", help="do not ask")
    account.add_argument("--data", type=Path, help="train on these recordings if there is no model")
    account.add_argument(
        "--wells", type=int, default=costs.WELLS, help="for the costs (default: %(default)s)"
    )


def _up(options: argparse.Namespace) -> int:
    folder = root.folder_or_default(options.infrastructure)
    if options.target == AWS:
        if options.wells < 0:
            raise UsageError("--wells takes a number of wells")
        data = options.data and options.data.resolve()
        return up.run(up.UpOptions(folder, options.plan, options.yes, data, options.wells))
    if options.plan:
        raise UsageError("there is a plan for TARGET=aws only: the embedded AWS begins empty")
    if options.slots < 1:
        raise UsageError("--slots takes a number above 0")
    try:
        provisioning = Provisioning(options.provision)
    except ValueError:
        names = ", ".join(choice.value for choice in Provisioning)
        raise UsageError(f"PROVISION is one of {names}, not {options.provision!r}") from None
    return embedded.up(
        LocalOptions(folder, provisioning, StackOptions(options.port, options.slots))
    )


def _add_down(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--wait",
        type=float,
        default=leftovers.WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for AWS's listings to catch up (default: %(default)s)",
    )


def _down(options: argparse.Namespace) -> int:
    if options.target == LOCAL:
        return embedded.down()
    folder = root.folder_or_default(options.infrastructure)
    return down.run(down.DownOptions(folder, options.yes, options.wait))


def _status(options: argparse.Namespace) -> int:
    say("\n".join(status.lines(options.target)))
    return 0


def _repair(options: argparse.Namespace) -> int:
    return repair.run(options.target)


def _add_powerbi(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", help="AWS profile of the one who reads (default: default)")


def _powerbi(options: argparse.Namespace) -> int:
    if options.target != AWS:
        raise UsageError("Power BI reads from an account: say TARGET=aws")
    found = stackfile.read()
    if found is None:
        raise UsageError("nothing is up on AWS: `make up TARGET=aws` first")
    folder = state_folder() / "powerbi"
    profile = options.profile or os.environ.get("AWS_PROFILE")
    say(f"written into {folder}:")
    for path in powerbi.write(found["outputs"], folder, profile):
        progress(path.name)
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary, add, run in (
        ("up", "bring the platform up", _add_up, _up),
        ("down", "take it down and leave nothing", _add_down, _down),
        ("status", "show how it is", lambda _: None, _status),
        ("repair", "write the summaries that scored batches lack", lambda _: None, _repair),
        ("powerbi", "write what Power BI needs", _add_powerbi, _powerbi),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        _add_common(command)
        add(command)
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    return run_command(lambda: _checked(options))


def _checked(options: argparse.Namespace) -> int:
    if options.target not in TARGETS:
        raise UsageError(f"TARGET is {' or '.join(TARGETS)}, not {options.target!r}")
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
