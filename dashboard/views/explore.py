"""Explore."""

import streamlit as st

from dashboard import frame


def render() -> None:
    """Draw the page."""
    frame.show("Explore", _draw)


def _draw(view: frame.View) -> None:
    st.caption(f"{len(view.snapshot.objects):,} scored batches.")
