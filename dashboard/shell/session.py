"""The connection to the curated bucket and the snapshot that a visitor's page shows."""

import os
import threading
from dataclasses import dataclass, fields
from typing import Final

import streamlit as st

from dashboard.curated.bucket import Curated
from dashboard.curated.snapshot import Snapshot
from petrostream.errors import PetroStreamError
from petrostream.settings import Settings, stack_environment, variable

_PLACE: Final = "place"
_SNAPSHOT: Final = "snapshot"
_FAULT: Final = "fault"
_STACK: Final = threading.Lock()
_FIRST_WAIT_SECONDS: Final = 4.0
_WAIT_SECONDS: Final = 0.7
"""How long a page waits for what is new; after that it shows what is known."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be shown: a snapshot, or why there is none, or an old one and why no newer."""

    snapshot: Snapshot | None
    fault: PetroStreamError | None


def connect() -> Curated:
    """Find the curated bucket: the one the environment names, else that of the stack that is up.

    A stack may go and another come while the dashboard runs, so the stack is looked up each time.

    Raises
    ------
    SettingsError
        If there is neither.
    """
    if not _named_by_caller():
        _take_stack()
    return curated_now()


def _take_stack() -> None:
    """Take over the settings of the stack that is up.

    Only what differs is changed: other visitors' pages read the environment meanwhile.
    """
    with _STACK:
        wanted = stack_environment()
        for name in (variable(setting.name) for setting in fields(Settings)):
            if name not in wanted:
                os.environ.pop(name, None)
        os.environ.update(
            {name: value for name, value in wanted.items() if os.environ.get(name) != value}
        )


def curated_now() -> Curated:
    """The curated bucket that the environment names; the same for all visitors.

    Raises
    ------
    SettingsError
        If it names none.
    """
    settings = Settings.load("curated_bucket")
    return _curated(settings.curated_bucket, os.environ.get("AWS_ENDPOINT_URL", ""))


def look(curated: Curated, *, again: bool) -> Sight:
    """Give this visitor's snapshot; take one of a place seen first, or on demand (`again`)."""
    state = st.session_state
    if state.get(_PLACE) is not curated:
        state.pop(_SNAPSHOT, None)
    if again or state.get(_PLACE) is not curated:
        state[_PLACE] = curated
        try:
            known = curated.known
            state[_SNAPSHOT] = curated.snapshot(_WAIT_SECONDS if known else _FIRST_WAIT_SECONDS)
            state.pop(_FAULT, None)
        except PetroStreamError as error:
            state[_FAULT] = error
    return Sight(state.get(_SNAPSHOT), state.get(_FAULT))


@st.cache_resource(show_spinner=False)
def _named_by_caller() -> bool:
    """Whether buckets were named before any stack file was read."""
    return any(variable(name) in os.environ for name in ("raw_bucket", "curated_bucket"))


@st.cache_resource(show_spinner=False, max_entries=2)
def _curated(bucket: str, endpoint: str) -> Curated:  # noqa: ARG001 - another endpoint, another cache
    return Curated(bucket)
