"""``python -m ml``: train, evaluate, publish, set limits, look for drift, list, roll back, export.

`annotations` exports what people said of alarms.
"""

import sys
from collections.abc import Sequence

from console.verbs import Verbs, run
from ml.commands import COMMANDS, annotations

ml = Verbs(
    "Train, evaluate and publish models, and keep them right.",
    {"Commands": (*COMMANDS, annotations)},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    return run(ml, arguments, name="python -m ml")


if __name__ == "__main__":
    sys.exit(main())
