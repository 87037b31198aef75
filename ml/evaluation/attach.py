"""Evaluate how a published model was made, and put the result beside it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ml.evaluation import leave_one_well_out
from ml.evaluation.instances import Instance, check
from ml.evaluation.verdicts import outcome_of
from ml.evaluation.words import number
from ml.training.fit import Lesson, TrainingSettings, digest_of
from petrostream.durations import duration
from petrostream.errors import UsageError
from petrostream.evaluation.document import LONGEST_REASON, Evaluation, NotEvaluated
from petrostream.evaluation.metrics import metrics_by_class, metrics_of
from petrostream.registry.model_files import Model

_A_DAY: Final = "false alarms per well-day"


def procedure_of(model: Model) -> leave_one_well_out.Procedure:
    """How a model was made, so that the same can be done on fewer wells.

    Raises
    ------
    UsageError
        If the model does not say so.
    """
    return leave_one_well_out.Procedure(
        TrainingSettings.of(model.training), model.detector.settings, model.detector.limits
    )


def evaluate_procedure(
    model: Model, lessons: Sequence[Lesson], say: Callable[[str], None]
) -> Evaluation | NotEvaluated:
    """Leave one well out at a time, with the settings and limits that the model was made with.

    Simulated and drawn recordings neither train nor count.
    """
    try:
        return _evaluate(model, lessons, say)
    except UsageError as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        return NotEvaluated(model.version, _now(), reason)


def _evaluate(model: Model, lessons: Sequence[Lesson], say: Callable[[str], None]) -> Evaluation:
    instances = {lesson.recording.recording: Instance.of(lesson.recording) for lesson in lessons}
    check(list(instances.values()))
    real = [instance for instance in instances.values() if instance.truth.is_real]
    known = {lesson.recording.recording: lesson for lesson in lessons}
    judged = [
        outcome_of(instances[name], verdict)
        for fold in leave_one_well_out.leave_one_out(real, known, procedure_of(model), say)
        for name, verdict in fold.verdicts.items()
    ]
    return Evaluation(
        model_version=model.version,
        evaluated=_now(),
        data_sha256=digest_of(lessons),
        wells=len({instance.well for instance in real}),
        metrics=metrics_of(judged),
        by_class=metrics_by_class(judged),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def in_words(document: Evaluation | NotEvaluated) -> str:
    """The outcome in a line."""
    if isinstance(document, NotEvaluated):
        return f"not evaluated: {document.reason}"
    found = document.metrics
    return (
        f"evaluated, each well by a model of the others: {found.found} of {found.events} events "
        f"found, {number(found.false_alarms_a_day)} {_A_DAY}, median delay "
        f"{duration(found.median_delay)}, nine of ten within {duration(found.slow_delay)}"
    )
