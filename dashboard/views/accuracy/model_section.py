"""The Accuracy page's part on the published model: how it was evaluated, or why it was not."""

from typing import Final

import streamlit as st

from dashboard.views.accuracy.model_evaluation import Published
from dashboard.views.accuracy.outcome_tables import CLASS, class_metrics, in_columns
from dashboard.views.accuracy.recording_tables import ROW_HEIGHT, height_of
from petrostream.evaluation.document import Evaluation, NotEvaluated
from petrostream.evaluation.metrics import DetectionMetrics

_DIGEST: Final = 12
_FEW_DAYS: Final = 5.0
"""With the budget of 0.2 a day, less normal time has no false alarm or a rate far above it."""


def show_published(model: Published, live: DetectionMetrics | None) -> None:
    """Show its training and its evaluation, beside the metrics of what was replayed."""
    training = model.training
    facts = [
        f"{number:,} {words}"
        for number, words in (
            (training.recordings, "recordings"),
            (training.windows, "normal windows"),
        )
        if number is not None
    ]
    st.caption(f"`{model.version}`{', trained on ' + ' and '.join(facts) if facts else ''}.")
    if isinstance(model.evaluation, Evaluation):
        _show_evaluation(model, model.evaluation, live)
    else:
        _tell_why_not(model)


def _tell_why_not(model: Published) -> None:
    if isinstance(model.evaluation, NotEvaluated):
        st.info("**The data that it was trained on can't be evaluated:**", icon=":material/info:")
        st.text(model.evaluation.reason)
    elif model.is_damaged:
        st.warning(
            "**Its evaluation can't be read**: `evaluation.json` beside the model is damaged, or "
            "of another version of PetroStream. `petrostream evaluate DATA --attach` makes it "
            "anew.",
            icon=":material/broken_image:",
        )
        st.text(model.fault)
    else:
        st.info(
            "**No evaluation lies beside this model yet.** `petrostream train` makes one after it "
            "has published, which takes some minutes; `petrostream evaluate DATA --attach` makes "
            "it for a model that has none.",
            icon=":material/lab_profile:",
        )


def _show_evaluation(
    model: Published, evaluation: Evaluation, live: DetectionMetrics | None
) -> None:
    found = evaluation.metrics
    st.markdown(
        f"**Leave one well out.** Each of {evaluation.wells} wells was judged by a model trained "
        "on the recordings of the others, through the code that scores; its rows took no part in "
        "training, scales or threshold. So these are figures of how the model was made, not of "
        "this very model on data that it has seen."
    )
    if found.normal_days < _FEW_DAYS:
        st.caption(
            f"It rests on {found.normal_days:.1f} well-days of normal time: too little for a rate "
            "of false alarms. Real recordings (`petrostream fetch`) tell more than made-up ones."
        )
    columns = {"Evaluated": found}
    if live is not None:
        columns = {"Replayed": live, **columns}
    table = in_columns(columns)
    st.dataframe(
        table,
        hide_index=True,
        height=height_of(table, len(table)),
        row_height=ROW_HEIGHT,
        alt="Figures of what was replayed beside those of the published model's evaluation",
        column_config={"Figure": st.column_config.TextColumn(pinned=True, width=190)},
    )
    if live is not None:
        st.caption(
            "What was replayed is scored by this very model: where it was trained on the same "
            "recordings, those figures flatter it. The area under the curve is not computed live."
        )
    classes = class_metrics(evaluation.by_class)
    st.markdown("**The evaluation by class**")
    st.dataframe(
        classes,
        hide_index=True,
        height=height_of(classes, len(classes)),
        row_height=ROW_HEIGHT,
        alt="The evaluation by class",
        column_config={CLASS: st.column_config.TextColumn(pinned=True, width="medium")},
    )
    st.caption(_provenance(model, evaluation))


def _provenance(model: Published, evaluation: Evaluation) -> str:
    data = (
        "the recordings that the model was trained on"
        if model.is_of_its_data
        else "other recordings than those that the model was trained on, or a part of them"
    )
    words = (
        f"Evaluated {evaluation.evaluated:%Y-%m-%d %H:%M} UTC on {data}, SHA-256 "
        f"`{evaluation.data_sha256[:_DIGEST]}`."
    )
    if evaluation.model_version == model.version:
        return words
    return (
        f"{words} It is that of model `{evaluation.model_version}`: engineering limits were set "
        "since."
    )
