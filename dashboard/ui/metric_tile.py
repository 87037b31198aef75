"""The tile of one value, the same on every page."""

import streamlit as st


def show_tile(label: str, value: str, note: str, explanation: str | None = None) -> None:
    """Draw a value with its name above and a note below; no note where that is empty."""
    st.metric(
        label,
        value,
        note or None,
        delta_color="off",
        delta_arrow="off",
        help=explanation,
        border=True,
        height="stretch",
    )
