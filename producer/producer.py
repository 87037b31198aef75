"""The producer as a script: ``python producer/producer.py replay …``."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from producer.__main__ import main  # noqa: E402 - the line above makes it importable

if __name__ == "__main__":
    sys.exit(main())
