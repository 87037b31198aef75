"""The Streamlit script: ``python -m dashboard`` or ``streamlit run dashboard/app.py``."""

import streamlit as st

from dashboard import overview
from dashboard.connection import connect, look
from dashboard.data import Curated
from dashboard.faults import advice
from dashboard.words import minute
from petrostream.errors import PetroStreamError


def main() -> None:
    """Draw the page, or say why it can't be drawn and what to do."""
    st.set_page_config(page_title="PetroStream", page_icon="🛢️", layout="wide")
    title, button = st.columns([6, 1], vertical_alignment="bottom")
    title.title("PetroStream", anchor=False)
    again = button.button("Refresh", icon=":material/refresh:", width="stretch")
    try:
        _show(connect(), again=again)
    except PetroStreamError as error:
        _show_fault(error)


def _show(curated: Curated, *, again: bool) -> None:
    sight = look(curated, again=again)
    if sight.fault:
        _show_fault(sight.fault)
    if sight.snapshot is None:
        return
    st.caption(
        f"Offshore wells of Petrobras' 3W dataset, scored by an Isolation Forest. Read from "
        f"`{curated.address}` at {sight.snapshot.taken:%H:%M:%S} UTC on "
        f"{minute(sight.snapshot.taken)[:10]}."
    )
    if sight.snapshot.objects:
        overview.show(curated, sight.snapshot)
    elif not curated.unreadable:
        st.info(
            "**Nothing has been scored yet.** `make train DATA=<folder>` publishes a model, "
            "`make replay DATA=<folder>` sends recordings through the pipeline; then press "
            "Refresh.",
            icon=":material/hourglass_empty:",
        )
    _show_unreadable(curated)


def _show_fault(error: PetroStreamError) -> None:
    st.error(advice(error), icon=":material/error:")
    with st.expander("What was answered"):
        st.text(str(error))


def _show_unreadable(curated: Curated) -> None:
    unreadable = curated.unreadable
    if not unreadable:
        return
    st.warning(
        f"{len(unreadable)} of the objects in the curated bucket can't be read and are left out. "
        "Replay the recording again, or remove the object; then press Refresh.",
        icon=":material/broken_image:",
    )
    st.dataframe(
        {"Object": [each.key for each in unreadable], "Why": [each.reason for each in unreadable]},
        hide_index=True,
        alt="Objects that can't be read",
    )


main()
