"""What people said of the ticked alarms, and a way to say more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.wording import drivers_in_words
from dashboard.shell.readers import Readers, reason
from dashboard.ui import navigation, url_state
from dashboard.ui.links import well_at
from dashboard.ui.timezones import local
from petrostream.alarms.annotations import LONGEST_NAME, LONGEST_NOTE, Annotation, AnnotationKind
from petrostream.durations import duration
from petrostream.errors import PetroStreamError, UsageError

_WHO: Final = "who"
_NOTE: Final = "note of this page"
_SAID: Final = "said"
_WRITING: Final = "`s3:PutObject` on `annotations/*` in the curated bucket"


def show_chosen(chosen: Sequence[Alarm], readers: Readers, zone: ZoneInfo) -> None:
    """What can be done with the ticked alarms, and all there is about one of them."""
    with st.container(border=True):
        if len(chosen) == 1:
            _show_one(chosen[0], zone)
        else:
            st.markdown(f"**{len(chosen)} alarms are ticked**; what you say is said of each.")
        _show_actions(chosen, readers)


def _show_one(alarm: Alarm, zone: ZoneInfo) -> None:
    event = alarm.event
    start = local(alarm.start, zone)
    title, link = st.columns([3, 1], vertical_alignment="center")
    title.markdown(
        f"**{event.well}**, {start:%Y-%m-%d %H:%M:%S}, {duration(event.seconds)}: score up to "
        f"{event.peak_score:.2f}, driven by {drivers_in_words(alarm)}"
    )
    with link:
        navigation.link(
            "well",
            "Show the well at this time",
            well_at(event.well, alarm.start, alarm.end, event.drivers),
            icon=":material/show_chart:",
        )
    for each in alarm.standing.said:
        when = local(each.when, zone)
        st.text(f"{when:%Y-%m-%d %H:%M:%S}  {each.who}: {each.kind}{_tail(each)}")


def _tail(annotation: Annotation) -> str:
    return f" – {annotation.note}" if annotation.note else ""


def _show_actions(chosen: Sequence[Alarm], readers: Readers) -> None:
    who = _who()
    st.text_area(
        "Note",
        key=_NOTE,
        max_chars=LONGEST_NOTE,
        height=68,
        placeholder="What you saw, or what was done; it is kept with whatever you press",
    )
    is_open = any(alarm.standing.is_open for alarm in chosen)
    state = AnnotationKind.ACKNOWLEDGED if is_open else AnnotationKind.REOPENED
    buttons = (
        ("Acknowledge" if is_open else "Open again", state, ":material/done_all:"),
        ("True alarm", AnnotationKind.TRUE_ALARM, ":material/check_circle:"),
        ("False alarm", AnnotationKind.FALSE_ALARM, ":material/cancel:"),
        ("Only the note", AnnotationKind.NOTE, ":material/edit_note:"),
    )
    with st.container(horizontal=True, gap="small"):
        for label, kind, icon in buttons:
            st.button(
                label,
                key=f"say {kind}",
                icon=icon,
                disabled=not who,
                type="primary" if kind is AnnotationKind.ACKNOWLEDGED else "secondary",
                on_click=_say,
                args=(kind, who, tuple(chosen), readers),
            )
    if not who:
        st.caption("Give your name first: it stands beside what you say.")
    _show_outcome()


def _who() -> str:
    """The visitor's name: nobody logs in, so it is what was typed, or what the address has."""
    asked = url_state.asked(_WHO)
    if asked is not None:
        st.session_state[_WHO] = asked[0][:LONGEST_NAME]
    who = st.text_input(
        "Your name",
        key=_WHO,
        max_chars=LONGEST_NAME,
        persist_state="session",
        width=320,
        help="There is no login: this name is taken as it is, and kept in the page's address.",
    ).strip()
    if who:
        url_state.keep(_WHO, who)
    else:
        url_state.drop(_WHO)
    return who


def _say(kind: AnnotationKind, who: str, chosen: Sequence[Alarm], readers: Readers) -> None:
    """Write one document an alarm; the note goes with it and is then gone from the page."""
    note = str(st.session_state.get(_NOTE, "")).strip()
    when = datetime.now(UTC).replace(tzinfo=None)
    try:
        for alarm in chosen:
            event = alarm.event
            readers.annotations.add(
                Annotation(
                    event.well, event.recording, event.start, event.end, kind, who, when, note
                )
            )
    except UsageError as error:
        st.session_state[_SAID] = (False, f"**Nothing was kept:** {error}.")
    except PetroStreamError as error:
        st.session_state[_SAID] = (False, f"**It could not be kept.** {reason(error, _WRITING)}")
    else:
        number = f"{len(chosen)} alarms" if len(chosen) > 1 else "the alarm"
        st.session_state[_SAID] = (True, f"Kept: {kind.value}, of {number}.")
        st.session_state[_NOTE] = ""


def _show_outcome() -> None:
    outcome = st.session_state.pop(_SAID, None)
    if outcome is None:
        return
    is_kept, words = outcome
    if is_kept:
        st.toast(words, icon=":material/check_circle:")
    else:
        st.error(words, icon=":material/error:")
