"""``python -m deploy``: bring the platform up and down, see how it is, repair, Power BI."""

import sys
from collections.abc import Sequence

from console.verbs import run
from deploy.commands import deploy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    return run(deploy, arguments, name="python -m deploy")


if __name__ == "__main__":
    sys.exit(main())
