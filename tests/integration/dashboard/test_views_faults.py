"""Pages whose place is empty, gone or missing: a sentence, never a traceback."""

import pytest
import streamlit as st

from petrostream.settings import variable
from tests.support.pages import visit

PAGES = ("alarms", "accuracy", "pipeline", "explore")


@pytest.fixture(autouse=True)
def fresh() -> None:
    st.cache_resource.clear()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_bucket_says_what_to_do(provisioned, page: str) -> None:
    assert "petrostream replay" in visit(page).info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_an_endpoint_that_does_not_answer_is_told(monkeypatch, page: str) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "curated")
    assert "does not answer" in visit(page).error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_bucket_is_told(provisioned, monkeypatch, page: str) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "not-there")
    assert "does not exist" in visit(page).error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_no_stack_is_told(page: str) -> None:
    assert "`petrostream up`" in visit(page).error[0].value
