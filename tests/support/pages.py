"""Open a page of the dashboard without a browser."""

from streamlit.testing.v1 import AppTest

WELL, QUIET = "WELL-90005", "WELL-90001"

_OPEN = """
from dashboard.app import PAGES
from dashboard.ui.navigation import choose_page
choose_page(PAGES)
[entry] = [each for each in PAGES if each.name == "{name}"]
entry.render()
"""
"""A page without the navigation's choice, which AppTest can't make at a first visit."""


def page_script(name: str) -> AppTest:
    """A page that has not been run yet."""
    return AppTest.from_string(_OPEN.format(name=name), default_timeout=120)


def visit(page: str, **parameters: str | list[str]) -> AppTest:
    """Open a page that stands still, at an address."""
    app = page_script(page)
    for name, value in ({"live": "off"} | parameters).items():
        app.query_params[name] = value
    return looked_at(app.run())


def looked_at(page: AppTest) -> AppTest:
    """The page, if it has drawn without an exception."""
    assert not page.exception, [each.value for each in page.exception]
    return page
