"""The Streamlit script: ``petrostream dashboard`` or ``streamlit run dashboard/app.py``."""

from typing import Final

import streamlit as st

from dashboard.ui.navigation import Entry, choose_page
from dashboard.views.accuracy import page as accuracy
from dashboard.views.alarms import page as alarms
from dashboard.views.explore import page as explore
from dashboard.views.fleet import page as fleet
from dashboard.views.pipeline import page as pipeline
from dashboard.views.quality import page as quality
from dashboard.views.well import page as well

# In the order of the navigation; the first is also what an address without a name opens. Not a
# docstring: Streamlit writes what stands alone in its script on the page.
PAGES: Final = (
    Entry("fleet", "Fleet", ":material/grid_view:", fleet.render),
    Entry("well", "Well", ":material/show_chart:", well.render),
    Entry("alarms", "Alarms", ":material/notifications:", alarms.render),
    Entry("accuracy", "Accuracy", ":material/target:", accuracy.render),
    Entry("quality", "Data quality", ":material/sensors:", quality.render),
    Entry("pipeline", "Pipeline", ":material/conversion_path:", pipeline.render),
    Entry("explore", "Explore", ":material/database:", explore.render),
)

_STYLE: Final = "<style>.stMainBlockContainer {padding-top: 4rem; padding-bottom: 3rem}</style>"


def main() -> None:
    """Show the navigation and draw the page that the address names."""
    st.set_page_config(
        page_title="PetroStream",
        page_icon="🛢️",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(_STYLE)
    choose_page(PAGES).run()


if __name__ == "__main__":
    main()
