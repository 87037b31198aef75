"""``python -m petrostream.local``: bring the embedded AWS up or down, or show how it is."""

import sys
from collections.abc import Sequence

import click

from console.options import COUNT, WHOLE
from console.speech import say
from console.verbs import Verbs, run, verb
from petrostream.local import stack
from petrostream.local.function import FUNCTION_TIMEOUT_SECONDS
from petrostream.local.status import look_at_stack


@verb("up", "python -m petrostream.local up --slots 4")
@click.option("--port", type=WHOLE, default=0, help="port (default: a free one)")
@click.option("--slots", type=COUNT, default=2, show_default=True, help="invocations side by side")
@click.option(
    "--timeout",
    type=COUNT,
    default=FUNCTION_TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="how long the handler may take",
)
def up(port: int, slots: int, timeout: int) -> int:
    """Start and provision it."""
    made = stack.up(stack.StackOptions(port, slots, timeout))
    say(
        f"the embedded AWS is up at {stack.endpoint(made)}, a worker with {slots} slots "
        "beside it\nnext: `make train DATA=<folder>`, `make replay DATA=<folder>`, "
        "`make dashboard`; `make down` stops it"
    )
    return 0


@verb("down", "python -m petrostream.local down")
def down() -> int:
    """Stop it, leave nothing."""
    say("the stack is down" if stack.down() else "no stack was up")
    return 0


@verb("status", "python -m petrostream.local status")
def status() -> int:
    """Show how it is."""
    for look in look_at_stack():
        say(str(look))
    return 0


local = Verbs("The embedded AWS alone, provisioned by Python.", {"Commands": (up, down, status)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    return run(local, arguments, name="python -m petrostream.local")


if __name__ == "__main__":
    sys.exit(main())
