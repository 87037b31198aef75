"""Open a page of the dashboard without a browser."""

from streamlit.testing.v1 import AppTest

WELL, QUIET = "WELL-90005", "WELL-90001"


def visit(page: str, **parameters: str | list[str]) -> AppTest:
    """Open one page; it is run alone, as the navigation would."""
    app = AppTest.from_string(
        f"from dashboard.views.{page}.page import render\nrender()\n", default_timeout=60
    )
    for name, value in ({"live": "off"} | parameters).items():
        app.query_params[name] = value
    return looked_at(app.run())


def looked_at(page: AppTest) -> AppTest:
    """The page, if it has drawn without an exception."""
    assert not page.exception, [each.value for each in page.exception]
    return page
