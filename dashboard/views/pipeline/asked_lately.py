"""Figures of CloudWatch, asked for once a minute: it has a new one no sooner, and charges each."""

import time
from collections.abc import Callable
from typing import Final

import streamlit as st

_SECONDS: Final = 60.0
_STATE: Final = "figures asked for lately"


def asked_lately(name: str, ask: Callable[[], float | None]) -> float | None:
    """What was answered within the last minute, else what is answered now; a visitor's own.

    What `ask` raises is raised here, and asked again the next time.
    """
    kept: dict[str, tuple[float, float | None]] = st.session_state.setdefault(_STATE, {})
    now = time.monotonic()
    if name not in kept or now - kept[name][0] >= _SECONDS:
        kept[name] = (now, ask())
    return kept[name][1]
