"""``python -m petrostream.local``: bring the embedded AWS up or down, or show how it is."""

import argparse
import sys
from collections.abc import Sequence

from petrostream.console import run_command
from petrostream.errors import UsageError
from petrostream.local import stack
from petrostream.local.function import FUNCTION_TIMEOUT_SECONDS


def _up(options: argparse.Namespace) -> int:
    if options.slots < 1 or options.timeout < 1:
        raise UsageError("--slots and --timeout take whole numbers above 0")
    made = stack.up(stack.StackOptions(options.port, options.slots, options.timeout))
    sys.stdout.write(
        f"the embedded AWS is up at {stack.endpoint(made)}, a worker with {options.slots} slots "
        "beside it\nnext: `make train DATA=<folder>`, `make replay DATA=<folder>`, "
        "`make dashboard`; `make down` stops it\n"
    )
    return 0


def _down(_options: argparse.Namespace) -> int:
    was_up = stack.down()
    sys.stdout.write("the stack is down\n" if was_up else "no stack was up\n")
    return 0


def _status(_options: argparse.Namespace) -> int:
    sys.stdout.write("\n".join(stack.status()) + "\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m petrostream.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start and provision it")
    up.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    up.add_argument("--slots", type=int, default=2, help="invocations side by side")
    up.add_argument(
        "--timeout",
        type=int,
        default=FUNCTION_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long the handler may take (default: %(default)s)",
    )
    up.set_defaults(run=_up)
    commands.add_parser("down", help="stop it, leave nothing").set_defaults(run=_down)
    commands.add_parser("status", help="show how it is").set_defaults(run=_status)
    options = parser.parse_args(arguments)
    return run_command(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
