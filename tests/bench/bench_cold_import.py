"""How long a cold start imports: the handler, with the image's packages and task folder.

Run as ``python tests/bench/bench_cold_import.py [RUNS]``; prints JSON. The files are in the
machine's cache and byte-compiled, as in the image; each run is an interpreter of its own.
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.emulator import (
    ENVIRONMENT,
    HEAVY,
    Unavailable,
    lay_out,
    modules_of_handler,
    runtime,
)

RUNS = 5
TIMED = "import time; began = time.perf_counter(); import app; print(time.perf_counter() - began)"


def measure(runs: int = RUNS) -> dict[str, Any]:
    """Import the handler several times, each in an interpreter of its own.

    Returns
    -------
    dict
        `cold_import_seconds`, the median of `runs_seconds`; `heavy_modules` that were loaded
        though nothing needs them; `modules`, how many were loaded in all; `python`.
    """
    python = runtime().python
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        lay_out(task)
        modules = modules_of_handler(python, task=task)
        seconds = [_seconds(python, task) for _ in range(runs)]
    return {
        "cold_import_seconds": round(statistics.median(seconds), 3),
        "runs_seconds": [round(each, 3) for each in seconds],
        "heavy_modules": sorted(HEAVY & {name.partition(".")[0] for name in modules}),
        "modules": len(modules),
        "python": platform.python_version(),
    }


def _seconds(python: Path, task: Path) -> float:
    command = [python, "-c", TIMED]
    result = subprocess.run(
        command, check=True, cwd=task, env=ENVIRONMENT, capture_output=True, text=True
    )
    return float(result.stdout)


def main(arguments: list[str]) -> int:
    """Print the measurement as JSON."""
    try:
        measured = measure(int(arguments[0]) if arguments else RUNS)
    except Unavailable as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{json.dumps(measured, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
