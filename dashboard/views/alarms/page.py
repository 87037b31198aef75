"""Alarms: every event, what people said of it, and a way to say more."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.alarms.alarm import Alarm, Severity, with_context
from dashboard.alarms.wording import name_of
from dashboard.curated.event_reader import alarming_places
from dashboard.curated.label_reader import Recordings
from dashboard.curated.snapshot import Snapshot
from dashboard.shell import page_frame
from dashboard.shell.readers import Readers, find_readers, part
from dashboard.ui import url_state
from dashboard.ui.filters import choose_day, choose_many, choose_one
from dashboard.ui.timezones import local
from dashboard.views.alarms.alarm_table import (
    alarms_table,
    class_of,
    class_words,
    table_columns,
)
from dashboard.views.alarms.annotating import show_chosen
from dashboard.views.alarms.downloads import show_downloads

_STATES: Final = ("all", "open", "acknowledged")
_TABLE: Final = "alarms table"
_CHOSEN: Final = "alarm"
_ROW_HEIGHT: Final = 35
_ROWS: Final = 12
_MOST_AT_ONCE: Final = 50
_READING: Final = "`s3:GetObject` on `annotations/*` in the curated bucket"


def render() -> None:
    """Draw the page."""
    page_frame.show("Alarms", _draw)


def _draw(view: page_frame.View) -> None:
    readers = find_readers()
    found = readers.events.read(view.snapshot)
    annotations = part("What people said", _READING, readers.annotation_reader.now) or []
    alarms = with_context(found.events, _labels(readers, view.snapshot), annotations)
    if not alarms:
        st.info("There is no alarm.", icon=":material/check_circle:")
        return
    shown = _filtered(alarms, view.zone)
    _show_counts(shown, alarms)
    chosen = _show_table(shown, view.zone) if shown else []
    show_downloads(shown, annotations)
    if chosen:
        show_chosen(chosen, readers, view.zone)
    elif shown:
        st.caption("Tick an alarm at the left of its row to see it, or to say something of it.")


def _labels(readers: Readers, snapshot: Snapshot) -> Recordings:
    """Labels of the time in which something was flagged: an alarm is nowhere else."""
    return readers.labels.read(snapshot, alarming_places(snapshot))


def _filtered(alarms: Sequence[Alarm], zone: ZoneInfo) -> list[Alarm]:
    wells = sorted({alarm.event.well for alarm in alarms})
    classes = sorted({class_of(alarm) for alarm in alarms})
    sensors = sorted({name for alarm in alarms for name in alarm.event.drivers})
    with st.container(horizontal=True, gap="small"):
        state = choose_one("State", "state", _STATES)
        severities = choose_many("Severity", "severity", [each.value for each in Severity])
        chosen_wells = choose_many("Well", "well", wells)
        chosen_classes = choose_many("3W label", "class", classes, class_words)
        chosen_sensors = choose_many("Driving sensor", "sensor", sensors)
        first, last = choose_day("From day", "from"), choose_day("To day", "to")

    def fits(alarm: Alarm) -> bool:
        return (
            (state == "all" or alarm.standing.is_open == (state == "open"))
            and alarm.severity in (severities or list(Severity))
            and alarm.event.well in (chosen_wells or wells)
            and class_of(alarm) in (chosen_classes or classes)
            and bool(set(alarm.event.drivers) & set(chosen_sensors or sensors))
            and _within(alarm, first, last, zone)
        )

    return [alarm for alarm in alarms if fits(alarm)]


def _within(alarm: Alarm, first: date | None, last: date | None, zone: ZoneInfo) -> bool:
    start, end = (local(time, zone).date() for time in (alarm.start, alarm.end))
    return (first is None or end >= first) and (last is None or start <= last)


def _show_counts(shown: Sequence[Alarm], alarms: Sequence[Alarm]) -> None:
    is_open = sum(alarm.standing.is_open for alarm in shown)
    high = sum(alarm.severity is Severity.HIGH for alarm in shown)
    of = "" if len(shown) == len(alarms) else f" of {len(alarms):,}"
    st.markdown(f"**{len(shown):,}{of} alarms**, {is_open:,} open, {high:,} of high severity")


def _show_table(shown: Sequence[Alarm], zone: ZoneInfo) -> list[Alarm]:
    """Draw the table, newest first; gives the alarms whose rows are ticked."""
    names = [name_of(alarm) for alarm in shown]
    asked = url_state.asked(_CHOSEN)
    wanted = st.session_state.setdefault(_CHOSEN, [])
    if asked is not None:
        wanted = st.session_state[_CHOSEN] = asked
    rows = [names.index(name) for name in wanted if name in names]
    st.session_state[_TABLE] = {"selection": {"rows": rows, "columns": [], "cells": []}}

    def take() -> None:
        ticked = st.session_state[_TABLE]["selection"]["rows"]
        st.session_state[_CHOSEN] = [names[row] for row in ticked if row < len(names)]

    st.dataframe(
        alarms_table(shown, zone),
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(shown), _ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        key=_TABLE,
        on_select=take,
        selection_mode="multi-row",
        alt="Alarms, the newest first",
        column_config=table_columns(zone),
    )
    chosen = [shown[row] for row in rows]
    if chosen:
        url_state.keep(_CHOSEN, [name_of(alarm) for alarm in chosen][:_MOST_AT_ONCE])
    else:
        url_state.drop(_CHOSEN)
    return chosen
