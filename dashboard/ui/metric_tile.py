"""The tile of a metric, the same on every page."""

import streamlit as st


def show_metric(label: str, value: str, note: str, explanation: str | None = None) -> None:
    """Draw a metric with its name above and a note below; no note where that is empty."""
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
