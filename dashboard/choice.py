"""What the visitor chose to look at; it stands in the page's address, so a link can be sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.units import spelled_out
from petrostream.keys import NAME_PATTERN

WELLS_TABLE: Final = "wells"
DEFAULT_SENSORS: Final = ("P-PDG", "P-TPT")
SHOWN_AT_FIRST: Final = timedelta(hours=6)
"""How much of a long recording is drawn before somebody asks for more: some have 90,000
anomalies, and every one is a point for the browser to paint."""

_WELL: Final = "well"
_RECORDING: Final = "recording"
_SENSORS: Final = "sensors"
_ADDRESS: Final = "address"
_WANTED: Final = "wanted sensors"


def choose_well(wells: Sequence[str], notices: DeltaGenerator) -> str:
    """Offer the wells: at first the one in the address, else the first of them.

    What is in the address but not among the wells is said in `notices`.
    """
    return _choose("Well", _WELL, {well: well for well in wells}, notices, key=_WELL)


def well_by_row(wells: Sequence[str], well: str) -> Callable[[], None]:
    """Mark a well's row in the table of wells; gives what to call when another is clicked."""
    st.session_state[WELLS_TABLE] = {
        "selection": {"rows": [wells.index(well)], "columns": [], "cells": []}
    }

    def take() -> None:
        rows = st.session_state[WELLS_TABLE]["selection"]["rows"]
        if rows:
            st.session_state[_WELL] = wells[rows[0]]

    return take


def choose_recording(well: str, labels: Mapping[str, str], notices: DeltaGenerator) -> str:
    """Offer a well's recordings, which come by name with a label each; else as `choose_well`."""
    return _choose("Recording", _RECORDING, labels, notices, key=f"{_RECORDING} of {well}")


def choose_time(recording: str, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """Offer the time of a recording, at first its newest hours; gives from when to when."""
    start, end = first.replace(second=0, microsecond=0), last + timedelta(minutes=1)
    end = end.replace(second=0, microsecond=0)
    newest = max(start, end - SHOWN_AT_FIRST)
    chosen: tuple[datetime, datetime] = st.slider(
        "Time (UTC)",
        start,
        end,
        (newest, end),
        step=timedelta(minutes=1),
        format="YYYY-MM-DD HH:mm",
        key=f"time of {recording} to {end}",
    )
    return chosen


def choose_sensors(sensors: Sequence[str]) -> list[str]:
    """Offer a recording's sensors; those wanted before are chosen where it has them."""
    state = st.session_state
    wanted = state.setdefault(_WANTED, _asked(_SENSORS) or list(DEFAULT_SENSORS))
    there = [name for name in wanted if name in sensors]
    state[_SENSORS] = there if there or not wanted else list(sensors[: len(DEFAULT_SENSORS)])

    def remember() -> None:
        state[_WANTED] = list(state[_SENSORS])

    chosen = st.multiselect(
        "Sensors",
        sensors,
        format_func=spelled_out,
        key=_SENSORS,
        on_change=remember,
        placeholder="Choose the sensors to draw",
    )
    absent = [f"`{name}`" for name in wanted if name not in sensors and _is_name(name)]
    if absent:
        st.caption(f"No readings in this time: {', '.join(absent)}.")
    st.query_params[_SENSORS] = chosen
    return chosen


def _choose(
    label: str,
    parameter: str,
    labels: Mapping[str, str],
    notices: DeltaGenerator,
    *,
    key: str,
) -> str:
    names, state = list(labels), st.session_state
    asked = next(iter(_asked(parameter)), None)
    if state.get(key) not in labels:
        state[key] = asked if asked in labels else names[0]
    if asked is not None and asked not in labels:
        called = f"`{asked}`" if _is_name(asked) else "of that name"
        notices.warning(
            f"There is no {parameter} {called}; `{state[key]}` is shown instead.",
            icon=":material/search_off:",
        )
        state[_ADDRESS].pop(_RECORDING, None)
    chosen: str = st.selectbox(label, names, key=key, format_func=labels.__getitem__)
    st.query_params[parameter] = chosen
    return chosen


def _asked(parameter: str) -> list[str]:
    """What the address asked for when the visitor came; it is asked for once."""
    parameters = (_WELL, _RECORDING, _SENSORS)
    address = st.session_state.setdefault(
        _ADDRESS, {name: st.query_params.get_all(name) for name in parameters}
    )
    asked: list[str] = address.pop(parameter, [])
    return asked


def _is_name(text: str) -> bool:
    """Whether a text from the address may be repeated on the page."""
    return NAME_PATTERN.fullmatch(text) is not None
