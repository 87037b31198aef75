"""Hand made-up garbage to every reader, for some time; what is found is kept as a fixture.

    python -m tests.fuzz --seconds 600 --seed 3

Each reader gets an equal share of the time, crafted batches as many as all others together. A
case follows from its number and the seed. Exit code 1 if there were findings; they are read
again by every run of the tests until they are mended, and after that for good.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import fuzz_parquet
from tests.fuzz.isolated import stretch
from tests.fuzz.targets import FINDINGS, TARGETS

CASES_A_STRETCH = 1_000
CRAFTED = "crafted-parquet"


def main() -> int:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="one target alone, by its name")
    parser.add_argument("--keep", type=Path, default=FINDINGS, help="folder for findings")
    options = parser.parse_args()
    names = [CRAFTED, *(target.name for target in TARGETS)]
    if options.only not in (None, *names):
        parser.error(f"there is no target {options.only}: choose one of {', '.join(names)}")
    chosen = [name for name in names if options.only in (None, name)]
    share = options.seconds / sum(_weight(name, chosen) for name in chosen)
    findings = 0
    for name in chosen:
        cases, faults = _fuzz(name, options.seed, share * _weight(name, chosen))
        for number, fault in faults.items():
            place = options.keep / name / f"{options.seed}_{number}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_case(name)(number, options.seed))
            print(f"{name}, case {number}: {fault}; kept in {place}", flush=True)
        print(f"{name}: {cases} cases, {len(faults)} findings", flush=True)
        findings += len(faults)
    return 1 if findings else 0


def _weight(name: str, chosen: list[str]) -> int:
    return max(1, len(chosen) - 1) if name == CRAFTED else 1


def _fuzz(name: str, seed: int, seconds: float) -> tuple[int, dict[int, str]]:
    ends, at = time.monotonic() + seconds, 0
    faults: dict[int, str] = {}
    while time.monotonic() < ends:
        last = at + CASES_A_STRETCH
        found = (
            fuzz_parquet.run(seed, at, last)[:2]
            if name == CRAFTED
            else stretch(name, seed, at, last)
        )
        at = found[0]
        faults |= found[1]
    return at, faults


def _case(name: str) -> Callable[[int, int], bytes]:
    if name == CRAFTED:
        goods = fuzz_parquet.good_objects()
        return lambda number, seed: fuzz_parquet.case(number, seed, goods)
    [target] = [each for each in TARGETS if each.name == name]
    return target.case


if __name__ == "__main__":
    sys.exit(main())
