"""Our detector, trained and judged through the code that the Lambda runs, leaving one well out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import Verdict, alarms_of_runs
from ml.training.fit import Lesson, TrainingSettings, train_on
from petrostream.detection import persistence, profiles
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.parameters import DetectorSettings
from petrostream.ingest.batches import BATCH_SECONDS, cut
from petrostream.registry.model_files import Model, pack, unpack
from petrostream.schema.columns import ANOMALY_FLAG, ANOMALY_SCORE
from petrostream.scoring.score_batch import ScoredBatch, score_batch

NAME: Final = "petrostream"


@dataclass(frozen=True)
class Procedure:
    """How a model is made: what stays the same whichever well is left out."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    settings: DetectorSettings = field(default_factory=DetectorSettings)
    limits: Limits = field(default_factory=Limits)

    def lesson(self, instance: Instance) -> Lesson:
        """An instance as training sees it."""
        return Lesson(instance.recording, self.training, self.settings)


@dataclass(frozen=True)
class Fold:
    """A well that was left out, the model of the others, and what it says of the well's instances.

    `verdicts` is by the recording's name.
    """

    well: str
    model: Model
    verdicts: dict[str, Verdict]


def leave_one_out(
    real: Sequence[Instance],
    lessons: Mapping[str, Lesson],
    procedure: Procedure,
    say: Callable[[str], None],
) -> Iterator[Fold]:
    """Judge every real well by a model of the others, trained as `petrostream train` does.

    `lessons` are the instances as training sees them, by the recording's name.
    """
    wells = sorted({instance.well for instance in real})
    for number, well in enumerate(wells, 1):
        training = [lessons[instance.name] for instance in real if instance.well != well]
        judged = [instance for instance in real if instance.well == well]
        say(f"{well} ({number} of {len(wells)}): trained on the others, judged on {len(judged)}")
        model = fit(training, procedure)
        yield Fold(well, model, {instance.name: judge(instance, model) for instance in judged})


def fit(lessons: Sequence[Lesson], procedure: Procedure) -> Model:
    """Train as `petrostream train` does, and read the model back as the Lambda does."""
    trained = train_on(lambda: lessons, procedure.training, procedure.settings, procedure.limits)
    packed = pack(trained.detector, trained.facts)
    return unpack(packed.pointer, packed.manifest, packed.forest)


def judge(instance: Instance, model: Model) -> Verdict:
    """Score an instance batch by batch and join the runs of flagged rows into alarms."""
    scored = _score(instance, model)
    runs = [run for batch in scored for run in batch.runs]
    return Verdict(
        score=np.concatenate([_column(batch, ANOMALY_SCORE) for batch in scored]),
        flag=np.concatenate([_column(batch, ANOMALY_FLAG) for batch in scored]).astype(bool),
        alarms=alarms_of_runs(runs, model.detector.settings.merge_gap_seconds),
    )


def in_alarm(microseconds: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Which rows are in alarm, given those over the limit, shape (rows,); for moving the limit."""
    return persistence.in_alarm(microseconds, over, DetectorSettings())


def _score(instance: Instance, model: Model) -> list[ScoredBatch]:
    batches = cut(
        instance.recording,
        batch_seconds=BATCH_SECONDS,
        commissioning_seconds=instance.commissioning_seconds,
    )
    first = next(batches)
    profile = profiles.learn(first)
    return [score_batch(batch, profile, model) for batch in (first, *batches)]


def _column(scored: ScoredBatch, name: str) -> np.ndarray:
    return scored.table.column(name).to_numpy().astype(np.float64)
