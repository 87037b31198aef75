"""The producer's part of the command line: `fetch`, `synthesise`, `replay`.

Help and completion import this, so the work is imported once it is to be done.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.answers import Answer
from console.options import (
    AMOUNT,
    COUNT,
    PATH,
    WHOLE,
    Classes,
    Later,
    NameList,
    Number,
    OneOf,
    json_option,
    shown_as,
)
from console.verbs import Verbs, verb
from petrostream.errors import UsageError
from producer.download.choice import DEFAULT_LIMIT, Wish
from producer.download.published import Origin
from producer.download.releases import CURRENT, RELEASES
from producer.speed import Speed

if TYPE_CHECKING:
    from producer.download.http import Remote
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
    help="seconds of data per second, or as fast as it goes",
)
@click.option("--now", is_flag=True, help="shift time stamps so that the replay looks live")
@click.option("--wells", type=NameList(), help="only these", **shown_as("all", ()))
@click.option("--classes", type=Classes(), help="only these event classes", **shown_as("all", ()))
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


def _usual_remote() -> "Remote":
    from producer.download.http import Remote

    return Remote()


_FOLDERS = ", ".join(f"{release.folder} (release {n})" for n, release in RELEASES.items())


@verb(
    "fetch",
    "petrostream fetch --dry-run",
    "petrostream fetch --classes 1,2 --limit 3 --into data/3w",
    "petrostream fetch --release 1 --list docs/recordings-release-1.txt",
    "petrostream fetch --ref main --wells WELL-00001,WELL-00002 --json",
    interrupted="the same command goes on where it ended",
)
@click.option(
    "--release",
    type=OneOf([str(number) for number in RELEASES]),
    default=str(CURRENT),
    show_default=True,
    help="3W's release: 1 is CSV, 2 Parquet",
)
@click.option(
    "--ref",
    metavar="REF",
    help="take the release's kind of file from this branch, tag or commit instead (main is 3W's "
    "newest)",
)
@click.option("--into", type=PATH, metavar="FOLDER", help="where to", **shown_as(_FOLDERS))
@click.option(
    "--list",
    "list_file",
    type=PATH,
    metavar="FILE",
    help="exactly the recordings that the file names, one <class>/<name> a line, # begins a "
    "comment",
)
@click.option(
    "--classes",
    type=NameList("0123456789"),
    metavar="0,1,…",
    help="only these event classes",
    **shown_as("all", ()),
)
@click.option(
    "--wells", type=NameList(), metavar="WELL-00001,…", help="only these", **shown_as("all", ())
)
@click.option(
    "--kinds",
    type=NameList(list(Origin)),
    metavar="real,…",
    help=f"of {', '.join(Origin)}",
    **shown_as(f"{Origin.REAL}, with --all every kind", ()),
)
@click.option(
    "--limit",
    type=COUNT,
    help="files of a class: the first of every well, then the second, …, by name",
    **shown_as(str(DEFAULT_LIMIT)),
)
@click.option("--all", "everything", is_flag=True, help="no limit (large: try --dry-run first)")
@click.option("--dry-run", is_flag=True, help="only list what would be downloaded")
@click.option("--parallel", type=COUNT, default=4, show_default=True, help="downloads side by side")
@click.option(
    "--retries",
    type=Number(int, 0),
    default=Later(lambda: _usual_remote().retries),
    show_default=True,
    help="how often to try again",
)
@click.option(
    "--backoff",
    type=AMOUNT,
    metavar="SECONDS",
    default=Later(lambda: _usual_remote().backoff),
    show_default=True,
    help="wait before a retry, doubled each time",
)
@click.option(
    "--api-url",
    metavar="URL",
    default=Later(lambda: _usual_remote().api_url),
    show_default=True,
    help="for mirrors",
)
@click.option(
    "--raw-url",
    metavar="URL",
    default=Later(lambda: _usual_remote().raw_url),
    show_default=True,
    help="for mirrors",
)
@json_option
def fetch(  # noqa: PLR0913 - one of each option
    *,
    release: str,
    ref: str | None,
    into: Path | None,
    list_file: Path | None,
    classes: tuple[str, ...],
    wells: tuple[str, ...],
    kinds: tuple[str, ...],
    limit: int | None,
    everything: bool,
    dry_run: bool,
    parallel: int,
    retries: int,
    backoff: float,
    api_url: str,
    raw_url: str,
) -> Answer:
    """Download a part of the published 3W dataset.

    Without options: real recordings, a few of each event class and of as many wells as possible;
    --dry-run shows their size. Each release is one commit of 3W's repository, and every file is
    checked against git's hash of it. Running again resumes, and skips what is there. A token in
    GITHUB_TOKEN raises GitHub's rate limit; none is needed.
    """
    from producer.download.http import Remote
    from producer.fetch import Order, fetch

    wish = Wish(
        classes=frozenset(map(int, classes)),
        wells=frozenset(wells),
        kinds=frozenset(map(Origin, kinds)),
        limit=limit,
        everything=everything,
        list_file=list_file,
    )
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    remote = Remote(api_url, raw_url, retries, backoff, token)
    return fetch(Order(wish.understood(), int(release), ref, into, dry_run, parallel, remote))


COMMANDS = (fetch, synthesise, replay)

producer = Verbs(
    "Replay recordings, make some up, or fetch the published ones.", {"Commands": COMMANDS}
)
