"""`dashboard` on the command line.

Help and completion import this, so the work is imported once it is to be done.
"""

import click

from console.options import WHOLE
from console.verbs import verb


@verb("dashboard", "petrostream dashboard", "petrostream dashboard --port 8600")
@click.option("--port", type=WHOLE, default=8501, show_default=True, help="where it listens")
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="address to listen on; anything but the default lets others in",
)
def dashboard(port: int, host: str) -> int:
    """Serve the dashboard on loopback."""
    from dashboard.serve import serve

    return serve(host, port)
