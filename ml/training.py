"""Fit a detector on recordings' normal time."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from sklearn.ensemble import IsolationForest

from ml.export import flatten
from ml.wandering import Wanderer, fit_wandering, reference_of, wanderers
from petrostream import profiles
from petrostream.alarms import count_alarms
from petrostream.batches import COMMISSIONING_SECONDS, Batch, cut, encode
from petrostream.columns import CLASS, SECOND
from petrostream.detector import Detector, one_sided, rate
from petrostream.errors import UsageError
from petrostream.features import FEATURES, Wandering, observe
from petrostream.forest import Forest
from petrostream.labels import NORMAL
from petrostream.limits import Limits
from petrostream.recordings import Recording
from petrostream.tuning import DetectorSettings

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


def train(
    recordings: Callable[[], Iterable[Recording]],
    training: TrainingSettings | None = None,
    settings: DetectorSettings | None = None,
    limits: Limits | None = None,
) -> Trained:
    """Fit a detector.

    Parameters
    ----------
    recordings
        Called twice; gives the recordings one by one, so that they need not fit into memory.
    training, settings
        How to train, and the times that shape the detector.
    limits
        Engineering limits to publish with it.

    Raises
    ------
    UsageError
        If there is too little normal time to learn from.
    """
    training, settings = training or TrainingSettings(), settings or DetectorSettings()
    wanderers_seen = list(_wanderers(recordings(), training, settings))
    wandering = fit_wandering(wanderers_seen)
    digest, names, normal = hashlib.sha256(), [], []
    for batch in _whole_batches(recordings(), training):
        digest.update(encode(batch))
        names.append(batch.id.recording)
        normal.append(normal_time(batch, wandering, training, settings))
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
            limits or Limits(),
        ),
        forest=fitted,
        facts={
            "recordings": len(names),
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


def _whole_batches(recordings: Iterable[Recording], training: TrainingSettings) -> Iterator[Batch]:
    for recording in recordings:
        yield whole(recording, training.commissioning_seconds)


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


def _wanderers(
    recordings: Iterable[Recording], training: TrainingSettings, settings: DetectorSettings
) -> Iterator[Wanderer]:
    for batch in _whole_batches(recordings, training):
        rows = _sampled(batch, is_normal(batch), settings.window_seconds)
        yield from wanderers(batch, rows, settings)


def normal_time(
    batch: Batch, wandering: Wandering, training: TrainingSettings, settings: DetectorSettings
) -> NormalTime:
    """Evaluate a recording's normal time after commissioning."""
    seen = observe(batch, profiles.learn(batch), wandering, settings)
    normal = is_normal(batch)
    sampled = np.isin(seen.rows, _sampled(batch, normal, training.sample_seconds))
    kept = normal[seen.rows]
    return NormalTime(batch.microseconds[seen.rows[kept]], seen.features[kept], sampled[kept])


def _sampled(batch: Batch, normal: np.ndarray, every_seconds: int) -> np.ndarray:
    """Positions of the first normal row after commissioning in every so many seconds."""
    times = batch.microseconds
    rows = np.flatnonzero(normal & (times >= batch.commissioning_end))
    slots = (times[rows] - batch.recording_start) // (every_seconds * SECOND)
    return rows[np.diff(slots, prepend=-1) > 0]
