"""What stands in the page's address: every choice, so that a link opens the same view."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from petrostream.schema.keys import NAME_PATTERN

_WRITTEN: Final = "written to the address"
_PAGE: Final = "page of the address"


def turn_to(page: str) -> None:
    """Say which page is drawn: what one page wrote is asked for anew where a link to another one
    has it.
    """
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state[_WRITTEN] = {}


def asked(parameter: str) -> list[str] | None:
    """What the address asks for, once: `None` where it holds only what the page wrote itself."""
    given = st.query_params.get_all(parameter)
    written: dict[str, list[str]] = st.session_state.setdefault(_WRITTEN, {})
    if not given or given == written.get(parameter):
        return None
    written[parameter] = given
    return given


def keep(parameter: str, value: str | Sequence[str]) -> None:
    """Write a choice into the address."""
    values = [value] if isinstance(value, str) else list(value)
    st.session_state.setdefault(_WRITTEN, {})[parameter] = values
    if st.query_params.get_all(parameter) != values:
        st.query_params[parameter] = values


def drop(parameter: str) -> None:
    """Take a choice out of the address."""
    st.session_state.setdefault(_WRITTEN, {}).pop(parameter, None)
    if parameter in st.query_params:
        del st.query_params[parameter]


def is_name(text: str) -> bool:
    """Whether a text from the address may be repeated on the page.

    >>> is_name("WELL-00001"), is_name("<b>")
    (True, False)
    """
    return NAME_PATTERN.fullmatch(text) is not None
