"""Lists of alarms: a line each, with a link to where there is more about it."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.wording import described, name_of
from dashboard.ui import navigation
from dashboard.ui.links import well_at
from dashboard.ui.timezones import local

_MOST: Final = 8


def list_of_well(alarms: Sequence[Alarm], zone: ZoneInfo) -> None:
    """Draw a well's alarms, the newest first, linked to the page of alarms; what is too much is
    left to that page.
    """
    newest = sorted(alarms, key=lambda alarm: alarm.event.start, reverse=True)
    number = f"{len(alarms):,} alarm{'s' if len(alarms) > 1 else ''}" if alarms else "No alarm"
    st.markdown(f"**{number}** in this time")
    for alarm in newest[:_MOST]:
        _line(alarm, _start(alarm, zone), "alarms", {"alarm": name_of(alarm)})
    if len(newest) > _MOST:
        navigation.link(
            "alarms",
            f"{len(newest) - _MOST:,} more, and those of other times",
            {"well": newest[0].event.well},
        )


def list_of_fleet(alarms: Sequence[Alarm], zone: ZoneInfo) -> None:
    """Draw alarms of all wells in the order given, each linked to its well at that time."""
    for alarm in alarms:
        well = alarm.event.well
        where = well_at(well, alarm.start, alarm.end, alarm.event.drivers)
        _line(alarm, f"{well}, {_start(alarm, zone)}", "well", where)


def _line(alarm: Alarm, label: str, page: str, parameters: navigation.Parameters) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.container(width="content"):
            navigation.link(page, label, parameters, icon=":material/notifications:")
        st.markdown(described(alarm))


def _start(alarm: Alarm, zone: ZoneInfo) -> str:
    return f"{local(alarm.start, zone):%Y-%m-%d %H:%M:%S}"
