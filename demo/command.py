"""`demo` on the command line.

Help and completion import this, so the work is imported once it is to be done.
"""

from pathlib import Path
from typing import Final

import click

from console.options import COUNT, PATH, WHOLE, shown_as
from console.verbs import end_like_interrupted, verb
from producer.commands import SPEED
from producer.speed import Speed

_SPEED_TO_WATCH: Final = Speed(300)
_SPEED_UNWATCHED: Final = Speed.parse("max")


@verb(
    "demo",
    "petrostream demo",
    "petrostream demo --data data/3w --speed 600",
    "petrostream demo --no-dashboard --limit 2",
    interrupted="everything that the demo made is gone",
)
@click.option(
    "--data", type=PATH, metavar="FOLDER", help="3W recordings", **shown_as("made-up wells")
)
@click.option(
    "--speed",
    type=SPEED,
    metavar="N|max",
    help="seconds of data per second, or as fast as it goes",
    **shown_as(f"{_SPEED_TO_WATCH}, without a dashboard {_SPEED_UNWATCHED}"),
)
@click.option("--limit", type=COUNT, help="at most so many recordings")
@click.option("--no-dashboard", is_flag=True, help="end once all is scored")
@click.option(
    "--dashboard-port", type=WHOLE, default=8501, show_default=True, help="the dashboard's"
)
@click.option("--aws-port", type=WHOLE, help="the embedded AWS's", **shown_as("a free one", 0))
def demo(  # noqa: PLR0913 - one of each option
    *,
    data: Path | None,
    speed: Speed | None,
    limit: int | None,
    no_dashboard: bool,
    dashboard_port: int,
    aws_port: int,
) -> int:
    """Run the whole pipeline on an embedded AWS and serve the dashboard.

    Trains, replays and scores; Ctrl-C ends it and leaves nothing. With --no-dashboard it ends by
    itself, with one line of JSON on standard output.
    """
    from demo.run import DemoOptions, run

    end_like_interrupted()
    options = DemoOptions(
        data=data and data.resolve(),
        speed=speed or (_SPEED_UNWATCHED if no_dashboard else _SPEED_TO_WATCH),
        limit=limit,
        dashboard=not no_dashboard,
        dashboard_port=dashboard_port,
        aws_port=aws_port,
    )
    return run(options)
