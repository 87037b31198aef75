"""Fleet: which well needs a person, why, and since when."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.alarms.list_view import list_of_fleet
from dashboard.alarms.recent import began, count_alarms, newest_alarms
from dashboard.curated.snapshot import LAST, MODIFIED, Snapshot
from dashboard.shell import page_frame
from dashboard.shell.readers import find_readers
from dashboard.ui.metric_tile import show_tile
from dashboard.ui.navigation import link
from dashboard.ui.selectors import choose_span
from dashboard.ui.timezones import local
from dashboard.ui.wording import ago, degraded_words, minute, short
from dashboard.views.fleet.score_strip import (
    StripTime,
    strip_chart,
    strip_height,
    strip_time,
    worst_by_bin,
)
from dashboard.wells.status import Totals, WellState, WellStatus, added, wells_of
from dashboard.wells.status_marks import score_line, state_markdown, tile_key, tile_styles
from petrostream.durations import age
from petrostream.ingest.batches import COMMISSIONING_SECONDS

_TILE_PIXELS: Final = 171
_TILE_POINTS: Final = 48
_AROUND_STRIP: Final = 130
_WAIT_SECONDS: Final = 1.0
_REPLAYED: Final = timedelta(days=30)
"""Readings that were scored so much later than they were taken come from a replay."""


def render() -> None:
    """Draw the page."""
    page_frame.show("Fleet", _draw)


def _draw(view: page_frame.View) -> None:
    name, span = choose_span("fleet time", "24 h")
    wells = wells_of(view.snapshot, span)
    show_open_alarms = _show_metrics(view, wells, name)
    stretch = strip_time(view.snapshot, wells, span)
    once = view.snapshot.once
    st.subheader("Wells, the worst first", anchor=False)
    st.html(tile_styles())
    since = began(view.curated.events, view.snapshot, wells)
    with st.container(horizontal=True, gap="small"):
        lines = once(("tile lines", span), lambda: _tile_lines(view.snapshot, wells, stretch))
        for well, line in zip(wells, lines, strict=True):
            _show_tile(view, well, since.get(well.name, well.since), line, name)
    st.subheader("Worst score over time", anchor=False)
    st.altair_chart(
        once(
            ("strip", span, view.zone.key),
            lambda: strip_chart(view.snapshot, wells, stretch, view.zone),
        ),
        width="stretch",
        height=strip_height(len(wells)) + _AROUND_STRIP,
        key="strip",
        alt="The worst anomaly score of every well over time",
    )
    _show_alarms(view)
    show_open_alarms(wait=True)


def _show_metrics(
    view: page_frame.View, wells: Sequence[WellStatus], name: str
) -> Callable[..., None]:
    """Draw the figures; gives what draws the open alarms anew, once events have been read."""
    now, before = added([each.totals for each in wells]), added([each.before for each in wells])
    in_alarm = sum(well.state is WellState.ALARM for well in wells)
    active = sum(well.state is not WellState.SILENT for well in wells)
    when = "in all" if name == "all" else f"in each well's newest {name}"
    with st.container(horizontal=True, gap="small"):
        show_tile(
            "Wells in alarm",
            f"{in_alarm:,}",
            f"of {len(wells):,}",
            "Wells whose newest readings are an alarm that has not ended.",
        )
        place = st.empty()
        show_open_alarms = partial(_show_open_alarms, place, view, wells, when)
        show_open_alarms(wait=False)
        show_tile(
            "Anomalies",
            f"{now.anomalies:,}",
            _change(now.anomalies, before, "anomalies"),
            f"Readings with `anomaly_flag` 1 {when}, and the change against the same time before.",
        )
        show_tile(
            "Anomaly rate",
            "–" if now.rate is None else f"{now.rate:.2%}",
            _rate_change(now, before),
            "Anomalies as a share of the scored readings. A recording's first "
            f"{COMMISSIONING_SECONDS // 60} minutes (commissioning) and unscorable readings are "
            "not counted.",
        )
        show_tile(
            "Readings",
            short(now.readings),
            _change(now.readings, before, "readings"),
            f"Rows that the pipeline has taken in {when}, one a second of a recording.",
        )
        show_tile(
            "Active wells",
            f"{active:,}",
            f"{len(wells) - active:,} silent",
            "Wells of which something was scored in the last half hour that anything was.",
        )
        table = view.snapshot.table
        newest = table.iloc[int(table[LAST].argmax())]
        lag = newest[MODIFIED].to_pydatetime() - newest[LAST].to_pydatetime()
        show_tile(
            "Reading to screen",
            _lag_words(lag),
            f"scored {ago(newest[MODIFIED].to_pydatetime(), _now())}",
            "From the time stamp of the newest batch's last reading to when the batch was scored, "
            f"which is when this page can show it; it looks every {page_frame.REFRESH_SECONDS} s. "
            "A replay keeps the recordings' own times, so that there is no such time.",
        )
    return show_open_alarms


def _show_open_alarms(
    place: DeltaGenerator,
    view: page_frame.View,
    wells: Sequence[WellStatus],
    when: str,
    *,
    wait: bool,
) -> None:
    """Show how many alarms nobody has looked after; while events are unread, of those read."""
    annotations = find_readers().annotation_reader.lately(_WAIT_SECONDS if wait else 0.0)
    count = count_alarms(view.curated.events, view.snapshot, wells, annotations or (), wait=wait)
    with place:
        show_tile(
            "Open alarms",
            "–" if annotations is None else f"{count.is_open:,}" + ("+" if count.unread else ""),
            f"{count.unread:,} batches unread" if count.unread else f"of {count.alarms:,}",
            f"Alarms {when} that nobody has acknowledged. What people say counts within 20 s.",
        )


def _change(now: int, before: Totals, name: str) -> str:
    then: int = getattr(before, name)
    if not before.readings:
        return "nothing before"
    return f"{now - then:+,}"


def _rate_change(now: Totals, before: Totals) -> str:
    if now.rate is None or before.rate is None:
        return "nothing before"
    return f"{(now.rate - before.rate) * 100:+.2f} points"


def _lag_words(lag: timedelta) -> str:
    return "replay" if lag > _REPLAYED else age(lag)


def _tile_lines(snapshot: Snapshot, wells: Sequence[WellStatus], stretch: StripTime) -> list[str]:
    """A picture of each well's scores, up to its own newest reading."""
    own = StripTime(stretch.length, None)
    found = (worst_by_bin(snapshot, well, own, _TILE_POINTS) for well in wells)
    return [score_line(worst.tolist()) for worst, _ in found]


def _show_tile(
    view: page_frame.View, well: WellStatus, since: datetime, line: str, name: str
) -> None:
    key = tile_key(well.state, well.name)
    with st.container(border=True, width=_TILE_PIXELS, gap=None, key=key):
        link(
            "well",
            f"**{well.name}**",
            {"well": well.name, "time": name},
        )
        st.markdown(state_markdown(well.state))
        st.caption(f"since {when(view, since)}")
        st.image(line, width="stretch")
        st.caption(_why(well))


def when(view: page_frame.View, time: datetime) -> str:
    """A time for a tile, on the zone's clock; the date is left out today."""
    shown, today = local(time, view.zone), local(view.snapshot.taken, view.zone).date()
    return f"{shown:%H:%M}" if shown.date() == today else minute(shown)


def _why(well: WellStatus) -> str:
    """What a person should look at first."""
    parts = []
    if well.totals.anomalies:
        parts.append(f"{well.totals.anomalies:,} anomalies, {well.top_sensor} furthest off")
    if well.degraded:
        parts.append(degraded_words(well.degraded))
    return "; ".join(parts) or f"{well.totals.readings:,} readings, none abnormal"


def _show_alarms(view: page_frame.View) -> None:
    st.subheader("Newest alarms", anchor=False)
    alarms = newest_alarms(view.curated.events, view.snapshot)
    if not alarms:
        st.info("There has been no alarm yet.", icon=":material/check_circle:")
        return
    list_of_fleet(alarms, view.zone)
    link("alarms", "All alarms", {}, icon=":material/notifications:")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
