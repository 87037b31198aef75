"""What the visitor chose to look at; it stands in the page's address, so a link can be sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from dashboard.ui import url_state
from dashboard.ui.timezones import SPANS
from dashboard.ui.units import spelled_out

DEFAULT_SENSORS: Final = ("P-PDG", "P-TPT")

_WELL: Final = "well"
_UNTIL: Final = "until"
_UNTIL_INPUT: Final = "until, as typed"
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M"
_EARLIEST: Final = datetime(1970, 1, 2)
_NOT_FOUND: Final = ":material/search_off:"
_LATEST: Final = datetime(2199, 12, 30)
_A_DAY: Final = timedelta(days=1)
_TIME: Final = "time"
_SENSORS: Final = "sensors"
_WANTED: Final = "wanted sensors"
_SUGGESTED: Final = "suggested sensors"


def choose_well(wells: Sequence[str], *, default: str) -> str:
    """Offer the wells: at first the one in the address, else `default`.

    What is in the address but not among the wells is said.
    """
    return _choose("Well", _WELL, {well: well for well in wells}, default=default)


def choose_span(key: str, default: str) -> tuple[str, timedelta | None]:
    """Offer lengths of time up to the newest reading; gives the name and the length."""
    state = st.session_state
    asked = url_state.asked(_TIME)
    if asked is not None and asked[0] in SPANS:
        state[key] = asked[0]
    elif state.get(key) not in SPANS:
        state[key] = default
    chosen: str = (
        st.segmented_control(
            "Time up to the newest reading",
            list(SPANS),
            key=key,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
        or default
    )
    url_state.keep(_TIME, chosen)
    return chosen, SPANS[chosen]


def choose_end(
    newest: datetime,
    length: timedelta | None,
    shown: Callable[[datetime], datetime],
    stored: Callable[[datetime], datetime],
) -> datetime | None:
    """Offer a time up to which to look; `None` is `newest`, the newest reading, as it moves on.
    In the address it is in UTC.

    `shown` turns a stored time into the visitor's zone, `stored` turns it back.
    """
    state = st.session_state
    asked = url_state.asked(_UNTIL)
    if asked is not None:
        state[_UNTIL] = _time(asked[0])
    until: datetime | None = state.setdefault(_UNTIL, None)

    def move(to: datetime | None) -> None:
        until = None if to is None else _within_reach(to)
        state[_UNTIL] = until
        state[_UNTIL_INPUT] = None if until is None else shown(until)

    def take() -> None:
        given = state[_UNTIL_INPUT]
        state[_UNTIL] = None if given is None else stored(given)

    state[_UNTIL_INPUT] = None if until is None else shown(until)
    if length is not None:
        now = until or newest
        later = now + length if now + length < newest else None
        st.button("Earlier", icon=":material/chevron_left:", on_click=move, args=[now - length])
        st.button(
            "Later",
            icon=":material/chevron_right:",
            on_click=move,
            args=[later],
            disabled=until is None,
        )
    st.datetime_input(
        "Up to",
        value=None,
        min_value=_EARLIEST,
        max_value=_LATEST,
        step=60,
        format="YYYY-MM-DD",
        key=_UNTIL_INPUT,
        on_change=take,
        width=220,
        help="Empty: up to the newest reading, which moves on.",
    )
    if until is None:
        url_state.drop(_UNTIL)
    else:
        url_state.keep(_UNTIL, f"{until:{_TIME_FORMAT}}")
    return until


def _time(text: str) -> datetime | None:
    try:
        return _within_reach(datetime.strptime(text, _TIME_FORMAT))
    except ValueError:
        return None


def _within_reach(time: datetime) -> datetime:
    """The nearest time that can be chosen, whatever the visitor's zone: a day from each end."""
    return min(max(time, _EARLIEST + _A_DAY), _LATEST - _A_DAY)


def choose_sensors(
    sensors: Sequence[str], driving: Sequence[str] = (), suggested: Sequence[str] = DEFAULT_SENSORS
) -> list[str]:
    """Offer a well's sensors; those wanted before are chosen where it has them.

    With `driving`, those that drive its anomalies, there is a button that chooses them. A visitor
    who has not chosen any sees those `suggested`, the same ones as long as the well is the same.
    """
    state = st.session_state
    asked = url_state.asked(_SENSORS)
    if asked:
        state[_WANTED] = asked
    if _WANTED in state:
        wanted = state[_WANTED]
    else:
        kept = state.setdefault(_SUGGESTED, {})
        wanted = kept.setdefault(state.get(_WELL), list(suggested))
    there = [name for name in wanted if name in sensors]
    state[_SENSORS] = there if there or not wanted else list(sensors[: len(DEFAULT_SENSORS)])

    def remember() -> None:
        state[_WANTED] = list(state[_SENSORS])

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.multiselect(
            "Sensors",
            sensors,
            format_func=spelled_out,
            key=_SENSORS,
            on_change=remember,
            placeholder="Choose the sensors to draw",
        )
        if driving:
            st.button(
                "Driving sensors",
                icon=":material/bolt:",
                on_click=lambda: state.update({_WANTED: list(driving)}),
                disabled=chosen == list(driving),
                help=f"Draw what makes up most of this time's anomalies: {', '.join(driving)}",
            )
    absent = [name for name in wanted if name not in sensors and url_state.is_name(name)]
    if absent:
        st.caption(f"No readings in this time: {', '.join(f'`{name}`' for name in absent)}.")
    url_state.keep(_SENSORS, chosen)
    return chosen


def _choose(label: str, parameter: str, labels: Mapping[str, str], *, default: str) -> str:
    state = st.session_state
    given = url_state.asked(parameter)
    asked = given[0] if given else None
    if asked in labels:
        state[parameter] = asked
    elif state.get(parameter) not in labels:
        state[parameter] = default
    notice = f"notice of {parameter}"
    if asked is not None:
        called = f"`{asked}`" if url_state.is_name(asked) else "of that name"
        state[notice] = "" if asked in labels else f"There is no {parameter} {called}"
    if state.get(notice):
        st.warning(f"{state[notice]}; `{state[parameter]}` is shown instead.", icon=_NOT_FOUND)
    chosen: str = st.selectbox(
        label,
        list(labels),
        key=parameter,
        format_func=labels.__getitem__,
        persist_state="session",
        on_change=lambda: state.pop(notice, None),
    )
    url_state.keep(parameter, chosen)
    return chosen
