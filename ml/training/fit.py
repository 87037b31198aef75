"""Fit a detector on recordings' normal time."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from sklearn.ensemble import IsolationForest

from ml.training.export_forest import flatten
from ml.training.normal_drift import Wanderer, fit_wandering, reference_of, wanderers
from petrostream.detection import profiles
from petrostream.detection.detector import Detector, one_sided, rate
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.features import FEATURES, Wandering, observe
from petrostream.detection.isolation_forest import Forest
from petrostream.detection.parameters import DetectorSettings
from petrostream.detection.persistence import count_alarms
from petrostream.detection.profiles import Profile
from petrostream.errors import UsageError
from petrostream.ingest.batches import COMMISSIONING_SECONDS, Batch, cut, encode
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import CLASS, SECOND
from petrostream.schema.labels import NORMAL

_WHOLE: Final = 10**9
_FEWEST_WINDOWS: Final = 256
_DAY_SECONDS: Final = 86_400
_THRESHOLDS: Final = 200
_HEADROOM: Final = 1.001
_LOWEST_THRESHOLD: Final = 0.1
"""Thresholds are tried from just above the highest normal score down to a tenth of it."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the forest is grown and where its threshold lies.

    `false_alarms_per_day` is the budget: alarms that may start in a day of the training
    recordings' normal time. `sample_seconds` is the time between the windows that the forest is
    trained on.
    """

    trees: int = 100
    samples_per_tree: int = 256
    false_alarms_per_day: float = 0.2
    sample_seconds: int = 30
    commissioning_seconds: int = COMMISSIONING_SECONDS
    seed: int = 7

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "TrainingSettings":
        """What a published model was trained with, by the facts of its training.

        Raises
        ------
        UsageError
            If the facts do not say so.
        """
        try:
            return cls(
                trees=int(facts["trees"]),
                samples_per_tree=int(facts["samples_per_tree"]),
                false_alarms_per_day=float(facts["false_alarms_per_day"]),
                seed=int(facts["seed"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                "the model does not say how it was trained: train it again with `petrostream train`"
            ) from error


@dataclass(frozen=True)
class Trained:
    """A fitted detector, the scikit-learn forest behind it, and the facts of the training."""

    detector: Detector
    forest: IsolationForest
    facts: dict[str, Any]


@dataclass(frozen=True)
class NormalTime:
    """A recording's evaluations in normal time after commissioning.

    `microseconds` has shape (evaluations,), `features` (evaluations, len(FEATURES)); `sampled`
    marks those that the forest is trained on.
    """

    microseconds: np.ndarray
    features: np.ndarray
    sampled: np.ndarray


@dataclass(frozen=True)
class Lesson:
    """A recording as training sees it.

    What does not depend on the other recordings is computed once, however many trainings it is
    given to.
    """

    recording: Recording
    training: TrainingSettings
    settings: DetectorSettings

    @cached_property
    def batch(self) -> Batch:
        """The recording as one batch, so that training sees what the Lambda sees."""
        return whole(self.recording, self.training.commissioning_seconds)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the batch."""
        return hashlib.sha256(encode(self.batch)).digest()

    @cached_property
    def profile(self) -> Profile:
        """The profile that the Lambda learns."""
        return profiles.learn(self.batch)

    @cached_property
    def normal(self) -> np.ndarray:
        """Whether each row may be learned from, shape (rows,)."""
        return is_normal(self.batch)

    @cached_property
    def wanderers(self) -> tuple[Wanderer, ...]:
        """How far each sensor is from its profile in normal time."""
        rows = self.sampled(self.settings.window_seconds)
        return tuple(wanderers(self.batch, self.profile, rows, self.settings))

    def sampled(self, every_seconds: int) -> np.ndarray:
        """Positions of the first normal row after commissioning in every so many seconds."""
        times = self.batch.microseconds
        rows = np.flatnonzero(self.normal & (times >= self.batch.commissioning_end))
        slots = (times[rows] - self.batch.recording_start) // (every_seconds * SECOND)
        return rows[np.diff(slots, prepend=-1) > 0]

    def normal_time(self, wandering: Wandering) -> NormalTime:
        """Evaluate its normal time after commissioning."""
        seen = observe(self.batch, self.profile, wandering, self.settings)
        sampled = np.isin(seen.rows, self.sampled(self.training.sample_seconds))
        kept = self.normal[seen.rows]
        return NormalTime(
            self.batch.microseconds[seen.rows[kept]], seen.features[kept], sampled[kept]
        )


def digest_of(lessons: Iterable[Lesson]) -> str:
    """SHA-256 of recordings, in their order, as hexadecimal text."""
    return hashlib.sha256(b"".join(lesson.digest for lesson in lessons)).hexdigest()


def train_on(
    lessons: Callable[[], Iterable[Lesson]],
    training: TrainingSettings,
    settings: DetectorSettings,
    limits: Limits,
) -> Trained:
    """Fit a detector.

    Parameters
    ----------
    lessons
        Called twice; gives the recordings one by one, so that they need not fit into memory. They
        were made with the same `training` and `settings`.
    training, settings
        How to train, and the times that shape the detector.
    limits
        Engineering limits to publish with it.

    Raises
    ------
    UsageError
        If there is too little normal time to learn from.
    """
    wanderers_seen = [one for lesson in lessons() for one in lesson.wanderers]
    wandering = fit_wandering(wanderers_seen)
    digest, normal = hashlib.sha256(), []
    for lesson in lessons():
        digest.update(lesson.digest)
        normal.append(lesson.normal_time(wandering))
    features = np.concatenate(
        [np.empty((0, len(FEATURES))), *(time.features[time.sampled] for time in normal)]
    )
    if len(features) < _FEWEST_WINDOWS:
        raise UsageError(
            f"the recordings hold {len(features)} normal windows after their first "
            f"{training.commissioning_seconds // 60} minutes, at least {_FEWEST_WINDOWS} are "
            "needed: train on more recordings, or on longer ones"
        )
    floor = tuple(float(value) for value in np.median(features, axis=0))
    fitted = IsolationForest(
        n_estimators=training.trees,
        max_samples=min(training.samples_per_tree, len(features)),
        random_state=training.seed,
    ).fit(one_sided(features, floor))
    forest = flatten(fitted)
    threshold = choose_threshold(normal, forest, floor, training, settings)
    return Trained(
        detector=Detector(
            forest,
            threshold,
            wandering.drift,
            wandering.exponent,
            floor,
            settings,
            limits,
        ),
        forest=fitted,
        facts={
            "recordings": len(normal),
            "windows": len(features),
            "data_sha256": digest.hexdigest(),
            "false_alarms_per_day": training.false_alarms_per_day,
            "trees": training.trees,
            "samples_per_tree": training.samples_per_tree,
            "seed": training.seed,
            "reference": reference_of(wanderers_seen, wandering),
        },
    )


def choose_threshold(
    normal: list[NormalTime],
    forest: Forest,
    floor: tuple[float, ...],
    training: TrainingSettings,
    settings: DetectorSettings,
) -> float:
    """Find the lowest threshold from which on upwards the budget of false alarms is kept."""
    rated = [
        (time.microseconds, rate(forest, time.features, floor, settings))
        for time in normal
        if len(time.microseconds)
    ]
    seconds = sum(len(times) for times, _ in rated) * settings.step_seconds
    allowed = training.false_alarms_per_day * seconds / _DAY_SECONDS
    highest = _HEADROOM * max(float(scores.max()) for _, scores in rated)
    chosen = highest
    for threshold in np.geomspace(highest, _LOWEST_THRESHOLD * highest, _THRESHOLDS):
        alarms = sum(
            count_alarms(times, scores, float(threshold), settings) for times, scores in rated
        )
        if alarms > allowed:
            break
        chosen = float(threshold)
    return chosen


def whole(recording: Recording, commissioning_seconds: int = COMMISSIONING_SECONDS) -> Batch:
    """A recording as one batch, so that training sees what the Lambda sees."""
    return next(cut(recording, batch_seconds=_WHOLE, commissioning_seconds=commissioning_seconds))


def is_normal(batch: Batch) -> np.ndarray:
    """Whether each row may be learned from, shape (rows,).

    Rows labelled normal; in a recording without any label, all rows: Isolation Forests are
    learned without labels, and faults are rare.
    """
    if CLASS not in batch.table.schema.names:
        return np.ones(batch.table.num_rows, dtype=bool)
    labels = batch.table.column(CLASS)
    if labels.null_count == len(labels):
        return np.ones(batch.table.num_rows, dtype=bool)
    return pc.fill_null(pc.equal(labels, NORMAL), fill_value=False).to_numpy(zero_copy_only=False)
