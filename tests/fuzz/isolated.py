"""Cases of a target in a process of its own, so that what kills it is a finding like another.

python -m tests.fuzz.isolated TARGET SEED FIRST LAST
"""

import signal
import subprocess
import sys
from typing import NamedTuple

from petrostream.settings import PROJECT_ROOT
from tests.fuzz.faults import fault_of
from tests.fuzz.fuzz_parquet import limit_memory
from tests.fuzz.targets import TARGETS


class Stretch(NamedTuple):
    """How far some cases got, and what was found by case."""

    reached: int
    faults: dict[int, str]


def stretch(name: str, seed: int, first: int, last: int) -> Stretch:
    """Run cases of a target; where one kills the process, the stretch ends behind it."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.isolated", name, *map(str, (seed, first, last))],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    at, faults = None, {}
    for line in found.stdout.splitlines():
        word, _, fault = line.partition(" ")
        if word.isdecimal():
            at = int(word)
            if fault:
                faults[at] = fault
    if found.returncode == 0:
        return Stretch(last, faults)
    if at is None or found.returncode > 0:
        raise RuntimeError(f"{name}, case {at}: {found.stderr}")
    faults[at] = f"died of {signal.Signals(-found.returncode).name}"
    return Stretch(at + 1, faults)


def main(name: str, seed: int, first: int, last: int) -> None:
    """Read the cases; a line before each, and another one where something is wrong."""
    [target] = [each for each in TARGETS if each.name == name]
    for good in target.seeds:
        target.read(good)
    limit_memory()
    for number in range(first, last):
        data = target.case(number, seed)
        print(number, flush=True)
        if fault := fault_of(target.read, data):
            print(number, fault, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
