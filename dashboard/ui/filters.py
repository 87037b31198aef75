"""Choices that narrow a page; each stands in the address, so that a link can be sent."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import streamlit as st

from dashboard.ui import url_state

ALL: Final = "all"


def choose_many(
    label: str,
    parameter: str,
    options: Sequence[str],
    words: Callable[[str], str] = str,
) -> list[str]:
    """Offer several of some options; none chosen means all of them.

    What the address asks for and is not there is told, until something else is chosen.
    """
    state, key, unknown = st.session_state, f"{parameter} of this page", f"unknown {parameter}"
    asked = url_state.asked(parameter)
    if asked is not None:
        state[key] = [each for each in asked if each in options]
        state[unknown] = [each for each in asked if each not in options]
    elif key in state:
        state[key] = [each for each in state[key] if each in options]

    def forget() -> None:
        state.pop(unknown, None)

    chosen: list[str] = st.multiselect(
        label, options, key=key, format_func=words, placeholder=ALL, on_change=forget
    )
    if state.get(unknown):
        st.caption(f"Not there: {', '.join(map(_quoted, state[unknown]))}.")
    _keep(parameter, chosen)
    return chosen


def choose_one(
    label: str, parameter: str, options: Sequence[str], words: Callable[[str], str] = str
) -> str:
    """Offer one of some options, the first unless the address asks for another."""
    key = f"{parameter} of this page"
    asked = url_state.asked(parameter)
    if asked is not None and asked[0] in options:
        st.session_state[key] = asked[0]
    elif st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    chosen: str = st.selectbox(label, options, key=key, format_func=words)
    url_state.keep(parameter, chosen)
    return chosen


def choose_day(label: str, parameter: str, default: date | None = None) -> date | None:
    """Offer a day; without a default it may stay open."""
    key = f"{parameter} of this page"
    asked = url_state.asked(parameter)
    day = _day(asked[0]) if asked else None
    if day is not None:
        st.session_state[key] = day
    elif key not in st.session_state:
        st.session_state[key] = default
    chosen: date | None = st.date_input(
        label,
        key=key,
        min_value=date(2000, 1, 1),
        max_value=date(2100, 1, 1),
        format="YYYY-MM-DD",
    )
    _keep(parameter, [chosen.isoformat()] if chosen else [])
    return chosen


def _quoted(name: str) -> str:
    return f"`{name}`" if url_state.is_name(name) else "something of no such name"


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found <= date(2100, 1, 1) else None


def _keep(parameter: str, values: list[str]) -> None:
    if values:
        url_state.keep(parameter, values)
    else:
        url_state.drop(parameter)
