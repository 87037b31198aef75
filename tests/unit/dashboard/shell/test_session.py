"""The dashboard takes the stack that is up, and no visitor's page is without one meanwhile."""

import os

import pytest
import streamlit as st

from dashboard.shell import session
from dashboard.shell.session import connect
from petrostream.settings import variable

BUCKET, MODELS = variable("curated_bucket"), variable("models_bucket")


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buckets that pages connect to."""
    st.cache_resource.clear()
    found: list[str] = []
    monkeypatch.setattr(session, "_curated", lambda bucket, _: found.append(bucket))
    return found


def test_settings_stay_while_the_stack_is_looked_up(
    places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look_up() -> dict[str, str]:
        seen.append(os.environ.get(BUCKET))
        return {BUCKET: "curated"}

    monkeypatch.setattr(session, "stack_environment", look_up)
    connect()
    connect()
    assert seen == [None, "curated"], "other visitors' pages still find it"
    assert places == ["curated", "curated"]


def test_another_stack_takes_the_place_of_the_one_before(
    places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = iter([{BUCKET: "one", MODELS: "models"}, {BUCKET: "two"}])
    monkeypatch.setattr(session, "stack_environment", lambda: next(stacks))
    connect()
    connect()
    assert places == ["one", "two"]
    assert MODELS not in os.environ, "nothing of the stack before is left"
