"""Replay made-up recordings while processes die and answers fail, and account for every reading.

    python -m tests.chaos --minutes 12 --seed 3

The last line is the account; the exit code is 1 where it does not balance. The plan of what goes
wrong follows from the seed; when it meets which call does not.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from petrostream.errors import PetroStreamError
from tests.chaos.run import ChaosRun, Stuck


def main() -> int:
    """Run it; where it does not balance, the logs are kept and named."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=5.0, help="of disturbances")
    parser.add_argument("--seed", type=int, default=1, help="of their plan, and of the wells")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="petrostream-chaos-"))
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {text}\n")

    run = ChaosRun(folder, options.minutes * 60, options.seed, say)
    try:
        account = run.run()
    except (Stuck, PetroStreamError) as error:
        print(f"error: {error} (logs in {folder})")
        return 1
    finally:
        run.close()
    for kind, times in sorted(run.happened.items()):
        say(f"{times} times {kind.value}")
    spoilt = run.proxy.spoilt
    say(f"{spoilt.total()} faulty answers of {run.proxy.requests}: {_in_words(spoilt)}")
    if account.balances:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"it does not balance; logs in {folder}")
    print(account)
    return 0 if account.balances else 1


def _in_words(spoilt: dict[str, int]) -> str:
    return ", ".join(f"{times} {kind}" for kind, times in sorted(spoilt.items()))


if __name__ == "__main__":
    sys.exit(main())
