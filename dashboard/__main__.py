"""``python -m dashboard``: serve the dashboard, on loopback unless told otherwise."""

import sys
from collections.abc import Sequence

from console.verbs import run
from dashboard.command import dashboard


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, and return the exit code where that can't be."""
    return run(dashboard, arguments, name="python -m dashboard")


if __name__ == "__main__":
    sys.exit(main())
