"""The producer's part of the command line: `fetch`, `synthesise`, `replay`.

Help and completion import this, so the work is imported once it is to be done.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.answers import Answer
from console.options import AMOUNT, COUNT, PATH, WHOLE, Classes, Later, Names, Number, json_option
from console.verbs import Verbs, verb
from petrostream.errors import UsageError
from producer.speed import Speed

if TYPE_CHECKING:
    from producer.replay import ReplayOptions
    from producer.synthesise import SynthesiseOptions


class _SpeedType(click.ParamType[Speed]):
    name = "N|max"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Speed:
        try:
            return value if isinstance(value, Speed) else Speed.parse(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


SPEED = _SpeedType()


def _usual_replay() -> "ReplayOptions":
    from producer.replay import ReplayOptions

    return ReplayOptions(Path(), Speed(1))


def _usual_wells() -> "SynthesiseOptions":
    from producer.synthesise import SynthesiseOptions

    return SynthesiseOptions()


@verb(
    "replay",
    "petrostream replay data/3w --speed 300",
    "petrostream replay data/3w --speed max --wells WELL-00001,WELL-00002 --json",
    "petrostream replay data/3w --speed 1 --now --loop",
)
@click.argument("data", type=PATH)
@click.option(
    "--speed",
    type=SPEED,
    metavar="N|max",
    default="60",
    show_default=True,
    help="data seconds a second, or as fast as it goes",
)
@click.option("--now", is_flag=True, help="shift time stamps so that the replay looks live")
@click.option("--wells", type=Names(), default="", help="only these")
@click.option("--classes", type=Classes(), default="", help="only these event classes")
@click.option("--limit", type=COUNT, help="at most so many recordings")
@click.option("--loop", is_flag=True, help="repeat for ever")
@click.option(
    "--batch-minutes",
    type=COUNT,
    default=Later(lambda: _usual_replay().batch_minutes),
    show_default=True,
    help="length of a batch",
)
@click.option(
    "--parallel",
    type=COUNT,
    default=Later(lambda: _usual_replay().parallel),
    show_default=True,
    help="uploads side by side",
)
@click.option("--restart", is_flag=True, help="with --now: begin anew instead of resuming")
@json_option
def replay(**chosen: Any) -> Answer:
    """Replay 3W recordings into the raw bucket.

    DATA is a folder of recordings, or one of them. What is in the bucket already is not uploaded
    again: after an interruption, the same command goes on.
    """
    from producer.replay import ReplayOptions, run

    return run(ReplayOptions(**chosen))


@verb(
    "synthesise",
    "petrostream synthesise --into data/synthetic",
    "petrostream synthesise --wells 12 --hours 24 --faults 2,6",
    "petrostream synthesise --faults none --json",
)
@click.option(
    "--into",
    type=PATH,
    metavar="FOLDER",
    default=Later(lambda: _usual_wells().into),
    show_default=True,
    help="where to",
)
@click.option(
    "--wells",
    type=WHOLE,
    default=Later(lambda: _usual_wells().wells),
    show_default=True,
    help="how many",
)
@click.option(
    "--recordings",
    type=WHOLE,
    default=Later(lambda: _usual_wells().recordings),
    show_default=True,
    help="of each well",
)
@click.option(
    "--hours",
    type=Number(float),
    default=Later(lambda: _usual_wells().hours),
    show_default=True,
    help="length of a recording",
)
@click.option(
    "--seed",
    type=WHOLE,
    default=Later(lambda: _usual_wells().seed),
    show_default=True,
    help="another one makes other wells",
)
@click.option(
    "--faults",
    metavar="1,2,…",
    default=Later(lambda: _usual_wells().faults),
    show_default=True,
    help="classes to choose from, or none",
)
@click.option(
    "--start",
    metavar="TIME",
    default=Later(lambda: _usual_wells().start),
    show_default=True,
    help="first time stamp, ISO 8601, UTC",
)
@json_option
def synthesise(**chosen: Any) -> Answer:
    """Make 3W-shaped wells with known faults.

    Writes recordings of synthetic wells in the layout of 3W, and faults.json with the faults in
    them. The same options always make the same files.
    """
    from producer.synthesise import SynthesiseOptions, run

    return run(SynthesiseOptions(**chosen))


@verb(
    "fetch",
    "petrostream fetch --dry-run",
    "petrostream fetch --into data/3w --classes 1,2 --limit 3",
    "petrostream fetch --wells WELL-00001,WELL-00002",
)
@click.option(
    "--into", type=PATH, default="data/3w", show_default=True, metavar="FOLDER", help="where to"
)
@click.option("--classes", type=Names("0123456789"), metavar="0,1,…", help="default: all")
@click.option("--wells", type=Names(), metavar="WELL-00001,…", help="default: all")
@click.option(
    "--kinds",
    type=Names(("real", "simulated", "drawn")),
    metavar="real,…",
    help="of real, simulated, drawn (default: real; with --all every kind)",
)
@click.option(
    "--limit",
    type=COUNT,
    default=Later(lambda: _usual_fetch().limit),
    show_default=True,
    help="files of a class: the first of every well, then the second, …, by name",
)
@click.option("--all", is_flag=True, help="no limit (large: try --dry-run first)")
@click.option("--dry-run", is_flag=True, help="only list what would be downloaded")
@click.option(
    "--ref",
    default=Later(lambda: _usual_fetch().ref),
    show_default=True,
    help="branch, tag or commit",
)
@click.option("--parallel", type=COUNT, default=4, show_default=True, help="downloads side by side")
@click.option(
    "--retries",
    type=Number(int, 0),
    default=Later(lambda: _usual_fetch().retries),
    show_default=True,
    help="how often to try again",
)
@click.option(
    "--backoff",
    type=AMOUNT,
    metavar="SECONDS",
    default=Later(lambda: _usual_fetch().backoff),
    show_default=True,
    help="wait before a retry, doubled each time",
)
@click.option(
    "--api-url",
    metavar="URL",
    default=Later(lambda: _usual_fetch().api_url),
    show_default=True,
    help="for mirrors",
)
@click.option(
    "--raw-url",
    metavar="URL",
    default=Later(lambda: _usual_fetch().raw_url),
    show_default=True,
    help="for mirrors",
)
@click.pass_context
def fetch(ctx: click.Context, /, **chosen: Any) -> int:
    """Download a part of the published 3W dataset.

    Without options: real recordings, a few of each event class and of as many wells as possible;
    --dry-run shows their size. Running again resumes, and skips what is there. A token in
    GITHUB_TOKEN raises GitHub's rate limit; none is needed.
    """
    from producer.fetch import run

    is_limited = ctx.get_parameter_source("limit") is not click.core.ParameterSource.DEFAULT
    if chosen["all"] and is_limited:
        raise UsageError("--all goes without --limit")
    return run(argparse.Namespace(**chosen))


def _usual_fetch() -> argparse.Namespace:
    from producer.fetch import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([])


COMMANDS = (fetch, synthesise, replay)

producer = Verbs(
    "Replay recordings, make some up, or fetch the published ones.", {"Commands": COMMANDS}
)
