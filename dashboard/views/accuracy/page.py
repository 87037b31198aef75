"""Accuracy: alarms held against 3W's labels, live, and how the published model was evaluated."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import streamlit as st

from dashboard.alarms.alarm import spans_by_recording
from dashboard.curated.label_reader import Recordings
from dashboard.shell import page_frame
from dashboard.shell.readers import Readers, find_readers, part
from dashboard.ui.filters import choose_many
from dashboard.ui.metric_tile import show_tile
from dashboard.views.accuracy.delay_chart import EVALUATED, REPLAYED, delay_chart
from dashboard.views.accuracy.label_chart import show_rows
from dashboard.views.accuracy.model_evaluation import Published, published
from dashboard.views.accuracy.model_section import show_published
from dashboard.views.accuracy.outcome_tables import NONE
from dashboard.views.accuracy.recording_tables import show_confusion, show_false_alarms, show_faulty
from petrostream.alarms.events import Event
from petrostream.durations import duration
from petrostream.errors import SettingsError
from petrostream.evaluation.document import Evaluation
from petrostream.evaluation.judging import LEAST_NORMAL_ROWS, Judged, judge
from petrostream.evaluation.metrics import DetectionMetrics, metrics_by_class, metrics_of
from petrostream.registry.models import ModelRegistry


def render() -> None:
    """Draw the page."""
    page_frame.show("Accuracy", _draw)


def _draw(view: page_frame.View) -> None:
    readers = find_readers()
    wells = choose_many("Well", "well", list(view.snapshot.wells))
    places = _places(view, wells)
    labels = _labels(readers, view, places)
    found = readers.events.read(view.snapshot, places).events
    judged = judge_all(found, labels)
    model = _published(readers.registry)
    st.subheader("What was replayed", anchor=False)
    if judged:
        _show_live(judged, labels, found, model, view.zone)
    else:
        st.info(
            "Nothing that was scored has labels: 3W's recordings have them, a stream does not.",
            icon=":material/label_off:",
        )
    st.subheader("The published model", anchor=False)
    if model is not None:
        show_published(model, metrics_of(_real(judged)) if judged else None)


def _places(view: page_frame.View, wells: Sequence[str]) -> np.ndarray:
    if not wells:
        return np.arange(len(view.snapshot.batches))
    slices = [view.snapshot.of_well(well) for well in wells]
    return np.concatenate([np.arange(each.start, each.stop) for each in slices])


def _labels(readers: Readers, view: page_frame.View, places: np.ndarray) -> Recordings:
    place = st.empty()

    def progress(done: int, of: int) -> None:
        place.progress(done / of, f"Reading labels: {done:,} of {of:,} batches")

    try:
        return readers.labels.read(view.snapshot, places, progress)
    finally:
        place.empty()


def judge_all(found: Sequence[Event], labels: Recordings) -> list[Judged]:
    """Say what became of every labelled recording."""
    spans = spans_by_recording(found)
    each = (judge(*name, runs, spans.get(name, ())) for name, runs in labels.items())
    return [one for one in each if one is not None]


def _real(judged: Sequence[Judged]) -> list[Judged]:
    return [each for each in judged if each.truth.is_real]


def _show_live(
    judged: Sequence[Judged],
    labels: Recordings,
    found: Sequence[Event],
    model: Published | None,
    zone: ZoneInfo,
) -> None:
    real = _real(judged)
    _show_tiles(metrics_of(real))
    _tell_simulated([each for each in judged if not each.truth.is_real])
    _explain()
    if not real:
        return
    st.markdown("**Recordings of each class, and what became of them**")
    show_confusion(real)
    _show_delays(real, model)
    show_faulty(real, zone)
    show_false_alarms(real, found, zone)
    show_rows(real, labels)


def _show_tiles(found: DetectionMetrics) -> None:
    with st.container(horizontal=True, gap="small"):
        share = "" if found.recall is None else f"{found.recall:.0%} of the events"
        show_tile("Found", f"{found.found} of {found.events}", share)
        show_tile("Missed", f"{found.missed}", "events in which no alarm started")
        show_tile(
            "Median delay",
            duration(found.median_delay),
            f"nine of ten within {duration(found.slow_delay)}" if found.delays else "",
        )
        a_day = found.false_alarms_a_day
        show_tile(
            "False alarms per well-day",
            NONE if a_day is None else f"{a_day:.2f}",
            f"{found.false_alarms:,} in {found.normal_days:.1f} well-days",
        )


def _tell_simulated(simulated: Sequence[Judged]) -> None:
    if simulated:
        found = metrics_of(simulated)
        st.caption(
            f"{found.recordings:,} simulated or drawn recordings are counted nowhere on this page: "
            f"of their {found.events:,} events {found.found:,} were found, and they had "
            f"{found.false_alarms:,} false alarms."
        )


def _explain() -> None:
    with st.expander("What counts"):
        st.markdown(
            f"- An **event** is a recording with at least {LEAST_NORMAL_ROWS // 60} minutes of "
            "rows labelled normal, and then rows labelled with a fault or the transient to it.\n"
            "- It is **found** if an alarm starts between its first abnormal row and its last; the "
            "**delay** counts from the first. An alarm that **was on already** does not find it: "
            "such an event is missed.\n"
            "- A **false alarm** starts on a row that is labelled normal, after the commissioning "
            "time; they are given for each day of such rows of a well.\n"
            "- A recording with a fault but less normal time before it is **not judged**.\n"
            "- Simulated and drawn recordings are counted apart."
        )


def _show_delays(judged: Sequence[Judged], model: Published | None) -> None:
    evaluation = model.evaluation if model else None
    evaluated = evaluation.by_class if isinstance(evaluation, Evaluation) else {}
    live, beside = (
        {fault: one for fault, one in classes.items() if one.events}
        for classes in (metrics_by_class(judged), evaluated)
    )
    if not live and not beside:
        return
    st.markdown("**Detection delay of each event**, by class")
    st.altair_chart(
        delay_chart({REPLAYED: live, EVALUATED: beside}),
        width="stretch",
        alt="Detection delay of each event by class, on a logarithmic axis",
    )


def _published(registry: ModelRegistry | None) -> Published | None:
    def read() -> Published:
        if registry is None:
            raise SettingsError("the environment names no models bucket, or no model parameter")
        return published(registry)

    return part(
        "The published model",
        "`ssm:GetParameter` on the model's parameter, `s3:GetObject` on `models/*` in the "
        "models bucket and `s3:ListBucket` on it",
        read,
    )
