"""Well: what its sensors did, what the detector said of it, and what drove that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.list_view import list_of_well
from dashboard.alarms.recent import alarms_between, began
from dashboard.curated.bucket import Rows
from dashboard.curated.snapshot import FIRST, LAST
from dashboard.forecast.autoregression import CONFIDENCE, LEAST_GAIN, LEAST_WON
from dashboard.shell import page_frame
from dashboard.shell.readers import find_readers, part
from dashboard.ui import selectors, url_state
from dashboard.ui.timezones import local, local_series, stored
from dashboard.ui.wording import degraded_words, minute, span
from dashboard.views.well import recording_chart
from dashboard.views.well.anomaly_table import show_anomalies
from dashboard.views.well.days_chart import show_long
from dashboard.views.well.next_hour import NextHour, ask_next_hour, wait_for
from dashboard.views.well.sensor_health import driving_sensors, show_health
from dashboard.views.well.span_layers import alarm_spans
from dashboard.wells.normal_bands import SPREADS, Stretch, bands, batches_of
from dashboard.wells.status import wells_of
from dashboard.wells.status_marks import state_markdown
from petrostream.detection.degraded import degraded_sensors
from petrostream.schema.columns import (
    DEGRADED_SENSORS,
    RECORDING,
    TIMESTAMP,
)

_MOST_DRIVING: Final = 3
_IN_FULL: Final = timedelta(days=1)
"""Times up to this are drawn from the readings themselves, longer ones from summaries."""

_BAND_HELP: Final = (
    "The detector adds up what all sensors say. A sensor alone, with the others at their centre, "
    "raises no anomaly inside the green band however long it stays there; outside, it does within "
    "half an hour. Sensors that are off together raise one while each is still inside, and so does "
    "a jump, or noise. Pressures and temperatures that rise together are taken for more flow and "
    "may leave it. Sensors of the gas lift and valves have a band only where no sensor of the "
    "production side works. An engineering limit flags a reading at once: where one is nearer, it "
    "is the edge. After `ml recommission` the band is that of the new profile, from the batch on "
    "from which the detector uses it. An edge that is far away is not in sight: the title has it."
)
_FORECAST_WORDS: Final = (
    f"At the right end: the next hour, by the minute (dashed), and the interval that held "
    f"{CONFIDENCE:.0%} of the errors so far; the thin grey line is what came."
)
_FORECAST_HELP: Final = (
    "An autoregression of the last hours of this recording, at most eight. It is drawn only where "
    f"it did better than the last value so far: mean error at least {LEAST_GAIN:.0%} lower, and "
    f"lower from at least {LEAST_WON:.0%} of the past minutes tried. It knows nothing of what "
    "people are about to do, and nothing of faults."
)
_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 8
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def render() -> None:
    """Draw the page."""
    page_frame.show("Well", _draw)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """One well in the chosen time: its batches' places in the snapshot, and from when to when."""

    well: str
    places: np.ndarray
    start: datetime
    end: datetime


def _draw(view: page_frame.View) -> None:
    wells = wells_of(view.snapshot, timedelta(days=1))
    if _is_awaited(view, [each.name for each in wells]):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width=200):
            well = selectors.choose_well(sorted(each.name for each in wells), default=wells[0].name)
        [shown] = [each for each in wells if each.name == well]
        name, length = selectors.choose_span("well time", "6 h")
        until = selectors.choose_end(
            shown.newest,
            length,
            lambda time: local(time, view.zone),
            lambda time: stored(time, view.zone),
        )
    words = degraded_words(shown.degraded)
    since = began(view.curated.events, view.snapshot, [shown]).get(well, shown.since)
    st.markdown(
        f"{state_markdown(shown.state)} since {minute(local(since, view.zone))}"
        + (f"; {words}" if words else "")
    )
    chosen = _chosen(view, well, length, until)
    if not len(chosen.places):
        so_far = " so far" if view.snapshot.pending[0] else ""
        st.info(
            f"{well} has no readings in this time{so_far}. Choose a longer one, or go to the "
            "newest.",
            icon=":material/search_off:",
        )
        return
    if chosen.end - chosen.start > _IN_FULL + timedelta(minutes=10):
        show_long(view, chosen.well, chosen.places, name)
        list_of_well(_alarms(view, chosen), view.zone)
        return
    _show_readings(view, chosen)


def _is_awaited(view: page_frame.View, wells: Sequence[str]) -> bool:
    """Say so where the address asks for a well that may be in what is still being listed."""
    asked = st.query_params.get("well")
    if asked is None or asked in wells or not view.snapshot.pending[0]:
        return False
    name = f"`{asked}`" if url_state.is_name(asked) else "The well of that name"
    then = "it is shown once it is found" if view.is_live else "press Refresh in a moment"
    st.info(
        f"{name} is not among the wells that were listed so far; {then}.",
        icon=":material/hourglass_empty:",
    )
    return True


def _chosen(
    view: page_frame.View, well: str, length: timedelta | None, until: datetime | None
) -> _Chosen:
    whole = view.snapshot.of_well(well)
    table = view.snapshot.table.iloc[whole]
    end = until or table[LAST].max().to_pydatetime()
    start = end - length if length else table[FIRST].min().to_pydatetime()
    inside = (table[FIRST] <= end) & (table[LAST] >= start)
    return _Chosen(well, np.flatnonzero(inside.to_numpy()) + whole.start, start, end)


def _show_readings(view: page_frame.View, chosen: _Chosen) -> None:
    objects = view.snapshot.chosen(chosen.places)
    rows = view.curated.rows(objects).between(chosen.start, chosen.end)
    if rows.table.empty:
        st.info("There are no readings that can be shown.", icon=":material/block:")
        return
    driving = driving_sensors(rows.table)[:_MOST_DRIVING]
    sensors = selectors.choose_sensors(rows.sensors, driving, _worth_a_look(rows, driving))
    readers = find_readers()
    profiles = {
        name: readers.profiles.of(chosen.well, name) for name in rows.table[RECORDING].unique()
    }
    normal = readers.normal.now()
    stretches = normal.stretches(rows.table, profiles, batches_of(view.snapshot, chosen.places))
    alarms = _alarms(view, chosen)
    hour = ask_next_hour(view, chosen.well, rows.table, sensors)
    table = rows.table.assign(**{TIMESTAMP: local_series(rows.table[TIMESTAMP], view.zone)})
    context = recording_chart.Context(
        alarms=alarm_spans(alarms, rows.table[TIMESTAMP], view.zone),
        bands={name: bands(stretches, name, view.zone) for name in sensors},
        ahead=hour.lines(view.zone),
        clock=str(view.zone),
    )
    _show_chart(view, table, sensors, context)
    _explain(hour, stretches, by_model=normal.detector is not None)
    list_of_well(alarms, view.zone)
    left, right = st.tabs(["Sensors", "Anomalies"])
    with left:
        newest = max(stretches, key=lambda each: each.end)
        show_health(rows, newest.profile, newest.tolerances)
    with right:
        show_anomalies(chosen.well, rows, view.zone)
    if not view.is_live:
        wait_for(hour)


def _worth_a_look(rows: Rows, driving: Sequence[str]) -> list[str]:
    """The usual sensors, those that are dead left out, and what drives the anomalies most."""
    degraded = degraded_sensors(str(rows.table[DEGRADED_SENSORS].iloc[-1]))
    alive = [name for name in selectors.DEFAULT_SENSORS if name not in degraded]
    return list(dict.fromkeys([*alive, *driving[:1]])) or list(selectors.DEFAULT_SENSORS)


def _alarms(view: page_frame.View, chosen: _Chosen) -> list[Alarm]:
    """The well's alarms that were on in the chosen time, whole ones."""
    found = part(
        "The alarms",
        "`s3:GetObject` on `events/*` in the curated bucket",
        lambda: alarms_between(
            find_readers().events, view.snapshot, chosen.well, chosen.start, chosen.end
        ),
    )
    return found or []


def _show_chart(
    view: page_frame.View,
    table: pd.DataFrame,
    sensors: Sequence[str],
    context: recording_chart.Context,
) -> None:
    first, last = table[TIMESTAMP].iloc[0], table[TIMESTAMP].iloc[-1]
    st.caption(f"{span(first.to_pydatetime(), last.to_pydatetime())} ({view.zone})")
    with st.container(horizontal=True, wrap=False, gap=None):
        st.altair_chart(
            recording_chart.recording_chart(table, sensors, context),
            width="stretch",
            key="readings",
            alt="Readings of the chosen sensors with anomalies as points, forecasts as dashed "
            "lines, and the anomaly score",
        )
        st.space(recording_chart.BESIDE_PLOT)


def _explain(hour: NextHour, stretches: Sequence[Stretch], *, by_model: bool) -> None:
    band = (
        "Green is what the detector takes for normal: a reading held there for half an hour, "
        "alone, is no anomaly."
        if by_model
        else f"Green is the profile, centre ± {SPREADS} spreads: the detector's own band takes "
        "the published model, which can't be read."
    )
    if any(each.by_another for each in stretches):
        band += " Readings that another model than the published one scored have no band."
    st.caption(
        "Red points are anomalies, each one drawn; red stretches are alarms, grey ones are not "
        f"scored. {band} Drag to pan, Ctrl and the wheel to zoom, double-click for the whole time.",
        help=_BAND_HELP if by_model else None,
    )
    if hour.outcomes:
        words = [_FORECAST_WORDS] if hour.has_any else []
        st.caption("  \n".join([*words, *hour.sentences()]), help=_FORECAST_HELP)
