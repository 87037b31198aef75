"""What all pages have in common: the head with the data's age, the refresh, and what is wrong.

A page hands over a function that draws it from a `View`. It is run as one fragment that repeats
itself, so the page must hold no other fragment with `run_every`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from dashboard.curated.bucket import Curated
from dashboard.curated.snapshot import LAST, MODIFIED, Snapshot
from dashboard.curated.unreadable import Unreadable
from dashboard.shell.fault_advice import advice
from dashboard.shell.readers import find_readers
from dashboard.shell.session import connect, look
from dashboard.ui import url_state
from dashboard.ui.timezones import local
from dashboard.ui.wording import ago, minute
from petrostream.errors import InvalidBatch, PetroStreamError
from petrostream.schema.keys import parse_batch_key

REFRESH_SECONDS: Final = 5
_USUAL_ZONES: Final = (
    "UTC",
    "America/Sao_Paulo",
    "America/Manaus",
    "Europe/London",
    "Europe/Berlin",
)
_NO_PLACES: Final = ("Etc", "SystemV", "US", "posix", "right")
_OTHER_ZONES: Final = (
    zone for zone in available_timezones() if "/" in zone and zone.split("/")[0] not in _NO_PLACES
)
ZONES: Final = tuple(dict.fromkeys([*_USUAL_ZONES, *sorted(_OTHER_ZONES)]))
"""Time zones to choose from: where 3W's wells and their engineers are, then all others."""

_LIVE: Final = "live"
_ZONE: Final = "zone"
_OLD: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class View:
    """What a page draws from: the bucket, what it held a moment ago, and how to show times.

    `is_live` says that it is drawn again every few seconds.
    """

    curated: Curated
    snapshot: Snapshot
    zone: ZoneInfo
    is_live: bool


def show(title: str, draw: Callable[[View], None]) -> None:
    """Draw a page under its head, again every few seconds unless the visitor stopped that.

    `draw` is not called where nothing can be read, or nothing has been scored yet.
    """
    url_state.turn_to(title)
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    head.title(title, anchor=False, width="stretch")
    with head:
        is_live, zone, again = _choose_live(), _choose_zone(), _refresh()

    @st.fragment(run_every=REFRESH_SECONDS if is_live else None)
    def body() -> None:
        try:
            _body(draw, zone, again=again, is_live=is_live)
        except PetroStreamError as error:
            show_fault(error)

    body()


def _body(draw: Callable[[View], None], zone: ZoneInfo, *, again: bool, is_live: bool) -> None:
    curated = connect()
    sight = look(curated, again=again or is_live)
    with st.container():  # always there: what comes after keeps its place, and does not flicker
        if sight.fault:
            show_fault(sight.fault)
    if sight.snapshot is None:
        if not sight.fault:
            st.info("The first listing is on its way.", icon=":material/hourglass_empty:")
        return
    _show_age(curated, sight.snapshot, zone)
    if not sight.snapshot.is_empty:
        draw(View(curated, sight.snapshot, zone, is_live))
    elif not sight.snapshot.pending[0]:
        st.info(
            "**Nothing has been scored yet.** `petrostream train DATA` publishes a model, "
            "`petrostream replay DATA` sends recordings through the pipeline.",
            icon=":material/hourglass_empty:",
        )
    _show_unreadable(
        [*curated.unreadable, *find_readers().unreadable],
        sight.snapshot,
        are_all=not curated.may_have_more_unreadable,
    )


def _age_words(newest: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How old the newest reading is; of an old one, as in a replay, the date as well."""
    age = f"**{ago(newest, now)}**"
    return age if now - newest < _OLD else f"{age} ({minute(local(newest, zone))})"


def _show_age(curated: Curated, snapshot: Snapshot, zone: ZoneInfo) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    words = [f"Read from `{curated.address}` {ago(snapshot.taken, now)}."]
    if not snapshot.is_empty:
        newest = snapshot.table[LAST].max().to_pydatetime()
        scored = ago(snapshot.table[MODIFIED].max().to_pydatetime(), now)
        words.insert(0, f"Newest reading {_age_words(newest, now, zone)}, scored **{scored}**.")
    waiting, of = snapshot.pending
    if waiting:
        words.append(f"Older data is still being listed: {of - waiting} of {of} parts so far.")
    if snapshot.unchecked:
        words.append(f"{snapshot.unchecked} dates are as listed earlier, to be listed again soon.")
    st.caption(" ".join(words))


def _choose_live() -> bool:
    asked = url_state.asked(_LIVE)
    kept = _kept(_LIVE, default=True, asked=None if asked is None else asked != ["off"])
    is_live = st.toggle(
        "Live",
        key=_LIVE,
        on_change=kept,
        help=f"Read what is new every {REFRESH_SECONDS} s. Off: only Refresh reads.",
    )
    url_state.keep(_LIVE, "on" if is_live else "off")
    return is_live


def _kept(key: str, *, default: Any, asked: Any) -> Callable[[], None]:
    """Put a widget's value in its place before it is drawn; gives what keeps a visitor's change.

    It is kept under a key of its own: Streamlit forgets a widget's when another page draws it.
    """
    state, own = st.session_state, f"{key} of the visit"
    state[key] = state[own] = state.get(own, default) if asked is None else asked

    def keep() -> None:
        state[own] = state[key]

    return keep


def _choose_zone() -> ZoneInfo:
    asked = url_state.asked(_ZONE)
    is_known = asked is not None and asked[0] in ZONES
    kept = _kept(_ZONE, default=ZONES[0], asked=asked[0] if asked and is_known else None)
    chosen = st.selectbox(
        "Time zone",
        ZONES,
        key=_ZONE,
        label_visibility="collapsed",
        width=190,
        on_change=kept,
        help="Times on every page are in this zone; type to find another.",
    )
    url_state.keep(_ZONE, chosen)
    return ZoneInfo(chosen)


def _refresh() -> bool:
    return st.button("Refresh", icon=":material/refresh:")


def show_fault(error: PetroStreamError) -> None:
    """Say what is wrong and what to do; the answer itself is behind a click."""
    st.error(advice(error), icon=":material/error:")
    with st.expander("What was answered"):
        st.text(str(error))


def _show_unreadable(noticed: Sequence[Unreadable], snapshot: Snapshot, *, are_all: bool) -> None:
    """Name what can't be read, once; of batches those that are there still."""
    unreadable = {each.key: each for each in noticed if _is_there(each.key, snapshot)}.values()
    if not unreadable:
        return
    st.warning(
        f"{'' if are_all else 'At least '}{len(unreadable)} of the objects in the curated bucket "
        "can't be read and are left out. "
        "Replay the recording again, or remove the object, of a batch the others and its summary "
        "too: it goes from here when its date is listed again.",
        icon=":material/broken_image:",
    )
    st.dataframe(
        {"Object": [each.key for each in unreadable], "Why": [each.reason for each in unreadable]},
        hide_index=True,
        alt="Objects that can't be read",
    )


def _is_there(key: str, snapshot: Snapshot) -> bool:
    """Whether an object is there still; what is of no batch is forgotten where it was read."""
    try:
        return snapshot.holds(parse_batch_key(key))
    except InvalidBatch:
        return True
