"""``python -m producer``: replay recordings, make some up, or fetch the published ones."""

import argparse
import sys
from collections.abc import Sequence

from petrostream.console import run_command
from producer import fetch, replay, synthesise


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the producer's commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m producer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module, summary in (
        (replay, "replay 3W recordings into the raw bucket"),
        (synthesise, "make 3W-shaped wells with known faults"),
        (fetch, "download a part of the published 3W dataset"),
    ):
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return run_command(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
