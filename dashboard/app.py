"""The Streamlit script: ``petrostream dashboard`` or ``streamlit run dashboard/app.py``."""

import streamlit as st

from dashboard.ui.navigation import choose_page

_STYLE = "<style>.stMainBlockContainer {padding-top: 4rem; padding-bottom: 3rem}</style>"


def main() -> None:
    """Show the navigation and draw the page that the address names."""
    st.set_page_config(
        page_title="PetroStream",
        page_icon="🛢️",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(_STYLE)
    choose_page().run()


main()
