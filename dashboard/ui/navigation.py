"""The seven pages, their names and addresses, and links from one to another."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.navigation.page import Page

Parameters = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as the navigation shows it; its module is the one of that name in `views`."""

    module: str
    title: str
    icon: str


_ENTRIES: Final = (
    Entry("fleet", "Fleet", ":material/grid_view:"),
    Entry("well", "Well", ":material/show_chart:"),
    Entry("alarms", "Alarms", ":material/notifications:"),
    Entry("accuracy", "Accuracy", ":material/target:"),
    Entry("quality", "Data quality", ":material/sensors:"),
    Entry("pipeline", "Pipeline", ":material/conversion_path:"),
    Entry("explore", "Explore", ":material/database:"),
)


def choose_page() -> Page:
    """Show the navigation; gives the page that the address names."""
    return st.navigation(pages(), position="top")


def pages() -> list[Page]:
    """All pages, in the order of the navigation."""
    return [page(entry.module) for entry in _ENTRIES]


def page(module: str) -> Page:
    """The page of a module; the first one is what an address without a page shows."""
    [entry] = [each for each in _ENTRIES if each.module == module]
    return st.Page(
        _renderer(module),
        title=entry.title,
        icon=entry.icon,
        url_path=module,
        default=entry is _ENTRIES[0],
    )


def link(module: str, label: str, parameters: Parameters, *, icon: str | None = None) -> None:
    """Draw a link to a page, with what it shall show."""
    st.page_link(page(module), label=label, icon=icon, query_params=dict(parameters))


def _renderer(module: str) -> Callable[[], None]:
    def render() -> None:
        importlib.import_module(f"dashboard.views.{module}.page").render()

    return render
