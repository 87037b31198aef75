"""Our detector, judged through the code that the Lambda runs."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import Verdict, alarms_of_runs
from ml.training import TrainingSettings, train
from petrostream import alarms, profiles
from petrostream.batches import BATCH_SECONDS, cut
from petrostream.columns import ANOMALY_FLAG, ANOMALY_SCORE
from petrostream.models import Model, pack, unpack
from petrostream.scoring import ScoredBatch, score_batch
from petrostream.tuning import DetectorSettings

NAME: Final = "petrostream"


def train_on(instances: Sequence[Instance], training: TrainingSettings | None = None) -> Model:
    """Train as `python -m ml train` does, and read the model back as the Lambda does."""
    trained = train(lambda: (instance.recording for instance in instances), training)
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
    return alarms.in_alarm(microseconds, over, DetectorSettings())


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
