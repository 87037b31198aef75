"""``python -m petrostream.local``: bring the embedded AWS alone up or down, or show how it is."""

import argparse
import sys
from collections.abc import Sequence

from petrostream.errors import (
    PetroStreamError,
    UsageError,
    reason_of,
    refusal_of,
    without_passwords,
)
from petrostream.local import stack
from petrostream.local.function import FUNCTION_TIMEOUT_SECONDS
from petrostream.local.status import look_at_stack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; gives 0, 1 for a failure, 2 for what is to be put right first."""
    chosen = _parser().parse_args(arguments)
    try:
        for line in _lines(chosen):
            sys.stdout.write(f"{without_passwords(line)}\n")
        sys.stdout.flush()
    except PetroStreamError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        is_file = error.filename is not None
        what = refusal_of(error) if is_file else f"the output can't be written: {reason_of(error)}"
        sys.stderr.write(f"error: {what}\n")
        return 2 if is_file else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m petrostream.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start and provision it")
    up.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    up.add_argument("--slots", type=int, default=2, help="invocations side by side")
    up.add_argument(
        "--timeout",
        type=int,
        default=FUNCTION_TIMEOUT_SECONDS,
        help="seconds that the handler may take (default: %(default)s)",
    )
    commands.add_parser("down", help="stop it, leave nothing")
    commands.add_parser("status", help="show how it is")
    return parser


def _lines(chosen: argparse.Namespace) -> list[str]:
    if chosen.command == "down":
        return ["the stack is down" if stack.down() else "no stack was up"]
    if chosen.command == "status":
        return [str(look) for look in look_at_stack()]
    options = stack.StackOptions(chosen.port, chosen.slots, chosen.timeout)
    standing = stack.whole_stack(options)
    if standing is not None:
        return [stack.up_already(standing)]
    made = stack.up(options)
    return [
        (
            f"the embedded AWS is up at {stack.endpoint(made)}, a worker with {chosen.slots} slots "
            "beside it"
        ),
        (
            "next: `petrostream train DATA`, `petrostream replay DATA`, `petrostream dashboard`; "
            "`petrostream down` stops it"
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
