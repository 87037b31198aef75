"""The pages that the app has registered: the navigation, and links from one page to another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import streamlit as st
from streamlit.navigation.page import Page

Parameters = Mapping[str, str | Sequence[str]]

_REGISTERED: Final = "registered pages"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: its name in the address, how the navigation shows it, and what draws it."""

    name: str
    title: str
    icon: str
    render: Callable[[], None]


def choose_page(entries: Sequence[Entry]) -> Page:
    """Register the pages and show the navigation; gives the page that the address names.

    The first one is also what an address without a name shows. Streamlit takes a default page's
    own name away, so that it is registered twice; the navigation lists the one that is open.
    """
    first, *others = entries
    opened_by_name = urlsplit(st.context.url or "").path.endswith(f"/{first.name}")
    home = _page(first, "start", is_default=True, is_listed=not opened_by_name)
    pages = {each.name: _page(each, each.name) for each in others}
    by_name = _page(first, first.name, is_listed=opened_by_name)
    st.session_state[_REGISTERED] = {first.name: by_name if opened_by_name else home, **pages}
    return st.navigation([home, by_name, *pages.values()], position="top")


def link(name: str, label: str, parameters: Parameters, *, icon: str | None = None) -> None:
    """Draw a link to a registered page, with what it shall show."""
    page: Page = st.session_state[_REGISTERED][name]
    st.page_link(page, label=label, icon=icon, query_params=dict(parameters))


def _page(entry: Entry, path: str, *, is_default: bool = False, is_listed: bool = True) -> Page:
    return st.Page(
        entry.render,
        title=entry.title,
        icon=entry.icon,
        url_path=path,
        default=is_default,
        visibility="visible" if is_listed else "hidden",
    )
