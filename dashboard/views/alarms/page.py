"""Alarms: every event, what people said of it, and a way to say more."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.alarms.alarm import Alarm, Severity, with_context
from dashboard.alarms.wording import SEVERITY_MARKS, drivers_in_words, lasted, name_of
from dashboard.curated.event_reader import alarming_places
from dashboard.curated.label_reader import Recordings
from dashboard.curated.snapshot import Snapshot
from dashboard.shell import page_frame
from dashboard.shell.readers import Stores, find_stores, part, reason
from dashboard.ui import navigation, url_state
from dashboard.ui.filters import choose_day, choose_many, choose_one
from dashboard.ui.links import well_at
from dashboard.ui.timezones import local, local_series
from petrostream.alarms.annotations import LONGEST_NAME, LONGEST_NOTE, Annotation, Kind, to_csv
from petrostream.errors import PetroStreamError, UsageError
from petrostream.schema.labels import EVENT_NAMES, describe

_OPEN, _ACKNOWLEDGED = "○ open", "✓ acknowledged"
_STATE_COLOURS: Final = {_OPEN: "#495057", _ACKNOWLEDGED: "#adb5bd"}
_STATES: Final = ("all", "open", "acknowledged")
_VERDICTS: Final = {None: "", Kind.TRUE_ALARM: "✓ true", Kind.FALSE_ALARM: "✕ false"}
_UNLABELLED: Final = "none"
_TABLE: Final = "alarms table"
_CHOSEN: Final = "alarm"
_WHO: Final = "who"
_NOTE: Final = "note of this page"
_SAID: Final = "said"
_ROW_HEIGHT: Final = 35
_ROWS: Final = 12
_MOST_AT_ONCE: Final = 50
_READING: Final = "`s3:GetObject` on `annotations/*` in the curated bucket"
_WRITING: Final = "`s3:PutObject` on `annotations/*` in the curated bucket"


def render() -> None:
    """Draw the page."""
    page_frame.show("Alarms", _draw)


def _draw(view: page_frame.View) -> None:
    stores = find_stores()
    found = stores.events.read(view.snapshot)
    said = part("What people said", _READING, stores.said.now) or []
    alarms = with_context(found.events, _labels(stores, view.snapshot), said)
    if not alarms:
        st.info("There is no alarm.", icon=":material/check_circle:")
        return
    shown = _filtered(alarms, view.zone)
    _show_counts(shown, alarms)
    chosen = _show_table(shown, view.zone) if shown else []
    _show_downloads(shown, said)
    if chosen:
        _show_chosen(chosen, stores, view.zone)
    elif shown:
        st.caption("Tick an alarm at the left of its row to see it, or to say something of it.")


def _labels(stores: Stores, snapshot: Snapshot) -> Recordings:
    """Labels of the time in which something was flagged: an alarm is nowhere else."""
    return stores.labels.read(snapshot, alarming_places(snapshot))


def _filtered(alarms: Sequence[Alarm], zone: ZoneInfo) -> list[Alarm]:
    wells = sorted({alarm.event.well for alarm in alarms})
    classes = sorted({_class(alarm) for alarm in alarms})
    sensors = sorted({name for alarm in alarms for name in alarm.event.drivers})
    with st.container(horizontal=True, gap="small"):
        state = choose_one("State", "state", _STATES)
        severities = choose_many("Severity", "severity", [each.value for each in Severity])
        chosen_wells = choose_many("Well", "well", wells)
        chosen_classes = choose_many("3W label", "class", classes, _class_words)
        chosen_sensors = choose_many("Driving sensor", "sensor", sensors)
        first, last = choose_day("From day", "from"), choose_day("To day", "to")

    def fits(alarm: Alarm) -> bool:
        return (
            (state == "all" or alarm.standing.is_open == (state == "open"))
            and alarm.severity in (severities or list(Severity))
            and alarm.event.well in (chosen_wells or wells)
            and _class(alarm) in (chosen_classes or classes)
            and bool(set(alarm.event.drivers) & set(chosen_sensors or sensors))
            and _within(alarm, first, last, zone)
        )

    return [alarm for alarm in alarms if fits(alarm)]


def _class(alarm: Alarm) -> str:
    return _UNLABELLED if alarm.label is None else str(alarm.label)


def _class_words(label: str) -> str:
    return "unlabelled" if label == _UNLABELLED else f"{label}: {describe(int(label))}"


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
        column_config=_columns(zone),
    )
    chosen = [shown[row] for row in rows]
    if chosen:
        url_state.keep(_CHOSEN, [name_of(alarm) for alarm in chosen][:_MOST_AT_ONCE])
    else:
        url_state.drop(_CHOSEN)
    return chosen


def alarms_table(alarms: Sequence[Alarm], zone: ZoneInfo) -> pd.DataFrame:
    """One row an alarm, in words."""
    return pd.DataFrame(
        {
            "State": [[_OPEN if each.standing.is_open else _ACKNOWLEDGED] for each in alarms],
            "Severity": [[SEVERITY_MARKS[each.severity][0]] for each in alarms],
            "Well": [each.event.well for each in alarms],
            "Start": local_series(_times([each.event.start for each in alarms]), zone),
            "Lasted": [lasted(each.event.seconds) for each in alarms],
            "Peak score": [each.event.peak_score for each in alarms],
            "Driven by": [", ".join((*each.event.drivers, *each.limits)) for each in alarms],
            "3W label": [_class_words(_class(each)) for each in alarms],
            "Verdict": [
                _VERDICTS[each.standing.verdict.kind if each.standing.verdict else None]
                for each in alarms
            ],
            "Notes": [_notes(each) for each in alarms],
        }
    )


def _notes(alarm: Alarm) -> str:
    return " · ".join(each.note for each in alarm.standing.said if each.note)


def _columns(zone: ZoneInfo) -> dict[str, ColumnConfig]:
    config = st.column_config
    return {
        "State": config.MultiselectColumn(
            options=list(_STATE_COLOURS), color=list(_STATE_COLOURS.values()), width=135
        ),
        "Severity": config.MultiselectColumn(
            options=[mark for mark, _ in SEVERITY_MARKS.values()],
            color=[colour for _, colour in SEVERITY_MARKS.values()],
            help="By the peak score, whose threshold is 1: medium from 1.5, high from 3",
        ),
        "Start": config.DatetimeColumn(f"Start ({zone.key})", format="YYYY-MM-DD HH:mm:ss"),
        "Peak score": config.NumberColumn(format="%.2f", help="1 is the threshold"),
        "Driven by": config.TextColumn(
            help="Sensors furthest off in most of its rows, and limits passed"
        ),
        "3W label": config.TextColumn(help="What 3W's experts say of that time, where they do"),
        "Verdict": config.TextColumn(help="What the last person said who judged it"),
        "Notes": config.TextColumn(width="large"),
    }


def _show_downloads(shown: Sequence[Alarm], said: Sequence[Annotation]) -> None:
    table = export(shown)
    with st.container(horizontal=True, gap="small"):
        _download("Alarms as CSV", partial(_csv, table), "alarms.csv", "text/csv", shown)
        _download(
            "Alarms as Parquet",
            partial(_parquet, table),
            "alarms.parquet",
            "application/vnd.apache.parquet",
            shown,
        )
        _download(
            "All that was said as CSV", partial(to_csv, said), "annotations.csv", "text/csv", said
        )


def _download(
    label: str,
    data: Callable[[], str | bytes],
    name: str,
    mime: str,
    content: Sequence[object],
) -> None:
    st.download_button(
        label,
        data,
        file_name=name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        disabled=not content,
    )


def export(alarms: Sequence[Alarm]) -> pd.DataFrame:
    """One row an alarm with plain values; times are UTC."""
    verdicts = [each.standing.verdict for each in alarms]
    acknowledged = [each.standing.acknowledgement for each in alarms]
    return pd.DataFrame(
        {
            "well": [each.event.well for each in alarms],
            "recording": [each.event.recording for each in alarms],
            "start": _times([each.event.start for each in alarms]),
            "end": _times([each.event.end for each in alarms]),
            "rows": [each.event.rows for each in alarms],
            "severity": [each.severity.value for each in alarms],
            "peak_score": [each.event.peak_score for each in alarms],
            "peak": _times([each.event.peak for each in alarms]),
            "drivers": [" ".join(each.event.drivers) for each in alarms],
            "limits": [" ".join(each.limits) for each in alarms],
            "class": pd.array([each.label for each in alarms], dtype="Int16"),
            "class_name": [
                "" if each.label is None else EVENT_NAMES.get(each.label, "") for each in alarms
            ],
            "acknowledged_by": [each.who if each else "" for each in acknowledged],
            "verdict": [each.kind.value if each else "" for each in verdicts],
            "verdict_by": [each.who if each else "" for each in verdicts],
            "notes": [_notes(each) for each in alarms],
        }
    )


def _times(microseconds: Sequence[int]) -> pd.Series:
    return pd.Series(np.array(microseconds, dtype="M8[us]"))


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")


def _parquet(table: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    table.to_parquet(sink, index=False)
    return sink.getvalue()


def _show_chosen(chosen: Sequence[Alarm], stores: Stores, zone: ZoneInfo) -> None:
    """What can be done with the ticked alarms, and all there is about one of them."""
    with st.container(border=True):
        if len(chosen) == 1:
            _show_one(chosen[0], zone)
        else:
            st.markdown(f"**{len(chosen)} alarms are ticked**; what you say is said of each.")
        _show_actions(chosen, stores)


def _show_one(alarm: Alarm, zone: ZoneInfo) -> None:
    event = alarm.event
    start = local(alarm.start, zone)
    title, link = st.columns([3, 1], vertical_alignment="center")
    title.markdown(
        f"**{event.well}**, {start:%Y-%m-%d %H:%M:%S}, {lasted(event.seconds)}: score up to "
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


def _show_actions(chosen: Sequence[Alarm], stores: Stores) -> None:
    who = _who()
    st.text_area(
        "Note",
        key=_NOTE,
        max_chars=LONGEST_NOTE,
        height=68,
        placeholder="What you saw, or what was done; it is kept with whatever you press",
    )
    is_open = any(alarm.standing.is_open for alarm in chosen)
    state = Kind.ACKNOWLEDGED if is_open else Kind.REOPENED
    buttons = (
        ("Acknowledge" if is_open else "Open again", state, ":material/done_all:"),
        ("True alarm", Kind.TRUE_ALARM, ":material/check_circle:"),
        ("False alarm", Kind.FALSE_ALARM, ":material/cancel:"),
        ("Only the note", Kind.NOTE, ":material/edit_note:"),
    )
    with st.container(horizontal=True, gap="small"):
        for label, kind, icon in buttons:
            st.button(
                label,
                key=f"say {kind}",
                icon=icon,
                disabled=not who,
                type="primary" if kind is Kind.ACKNOWLEDGED else "secondary",
                on_click=_say,
                args=(kind, who, tuple(chosen), stores),
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


def _say(kind: Kind, who: str, chosen: Sequence[Alarm], stores: Stores) -> None:
    """Write one document an alarm; the note goes with it and is then gone from the page."""
    note = str(st.session_state.get(_NOTE, "")).strip()
    when = datetime.now(UTC).replace(tzinfo=None)
    try:
        for alarm in chosen:
            event = alarm.event
            stores.annotations.add(
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
