"""``python -m demo``: bring the stack up, train, replay, show, and take it all down again."""

import sys
from collections.abc import Sequence

from console.verbs import run
from demo.command import demo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    return run(demo, arguments, name="python -m demo")


if __name__ == "__main__":
    sys.exit(main())
