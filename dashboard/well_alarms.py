"""The alarms of a well in the shown time, each with a link to all there is about it."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import navigation
from dashboard.alarms import Alarm
from dashboard.times import local
from dashboard.views.alarms import SEVERITY_MARKS, drivers_in_words, lasted, name_of

_MOST: Final = 8


def show_alarms(alarms: Sequence[Alarm], zone: ZoneInfo) -> None:
    """Draw a line an alarm, the newest first; what is too much is left to the page of alarms."""
    newest = sorted(alarms, key=lambda alarm: alarm.event.start, reverse=True)
    number = f"{len(alarms):,} alarm{'s' if len(alarms) > 1 else ''}" if alarms else "No alarm"
    st.markdown(f"**{number}** in this time")
    for alarm in newest[:_MOST]:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            with st.container(width="content"):
                navigation.link(
                    "alarms",
                    f"{local(alarm.start, zone):%Y-%m-%d %H:%M:%S}",
                    {"alarm": name_of(alarm)},
                    icon=":material/notifications:",
                )
            st.markdown(described(alarm))
    if len(newest) > _MOST:
        navigation.link(
            "alarms",
            f"{len(newest) - _MOST:,} more, and those of other times",
            {"well": newest[0].event.well},
        )


def described(alarm: Alarm) -> str:
    """An alarm in words: how bad, how long, how high, and what drives it."""
    mark, _ = SEVERITY_MARKS[alarm.severity]
    return (
        f"{mark}, lasted {lasted(alarm.event.seconds)}, score up to "
        f"{alarm.event.peak_score:.2f}, driven by {drivers_in_words(alarm)}"
    )
