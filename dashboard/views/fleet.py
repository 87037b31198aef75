"""Fleet: which well needs a person, why, and since when."""

from dashboard import frame, overview


def render() -> None:
    """Draw the page."""
    frame.show("Fleet", _draw)


def _draw(view: frame.View) -> None:
    overview.show(view.curated, view.snapshot)
