"""``python -m producer``: replay recordings, make some up, or fetch the published ones."""

import sys
from collections.abc import Sequence

from console.verbs import run
from producer.commands import producer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the producer's commands and return its exit code."""
    return run(producer, arguments, name="python -m producer")


if __name__ == "__main__":
    sys.exit(main())
