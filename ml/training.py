"""Fit a detector on recordings' normal time."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from sklearn.ensemble import IsolationForest

from ml.export import flatten
from petrostream import profiles
from petrostream.batches import COMMISSIONING_SECONDS, Batch, cut, encode, readings_of
from petrostream.columns import CLASS, SECOND
from petrostream.detector import Detector, DetectorSettings, observe, one_sided
from petrostream.errors import UsageError
from petrostream.labels import NORMAL
from petrostream.recordings import Recording
from petrostream.windows import SlidingWindows

_WHOLE: Final = 10**9
_DRIFT_QUANTILE: Final = 0.9
_FEWEST_WINDOWS: Final = 256
_LIMIT_MARGIN: Final = 1.25
_LEAST_LIMIT: Final = 0.5
"""Features are logarithms: a limit lies a quarter above the largest seen, and never below 0.5."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the forest is grown and where its threshold lies.

    `flag_rate` is the share of normal windows that may be flagged; the threshold follows from it.
    `sample_seconds` is the time between the windows that are trained on.
    """

    trees: int = 100
    samples_per_tree: int = 256
    flag_rate: float = 0.005
    sample_seconds: int = 30
    commissioning_seconds: int = COMMISSIONING_SECONDS
    seed: int = 7


@dataclass(frozen=True)
class Trained:
    """A fitted detector, the scikit-learn forest behind it, and the facts of the training."""

    detector: Detector
    forest: IsolationForest
    facts: dict[str, Any]


def train(
    recordings: Callable[[], Iterable[Recording]],
    training: TrainingSettings | None = None,
    settings: DetectorSettings | None = None,
) -> Trained:
    """Fit a detector.

    Parameters
    ----------
    recordings
        Called twice; gives the recordings one by one, so that they need not fit into memory.
    training, settings
        How to train, and the times that shape the detector.

    Raises
    ------
    UsageError
        If there is too little normal time to learn from.
    """
    training, settings = training or TrainingSettings(), settings or DetectorSettings()
    drift = learn_drift(_whole_batches(recordings(), training), settings)
    digest, names, windows = hashlib.sha256(), [], []
    for batch in _whole_batches(recordings(), training):
        digest.update(encode(batch))
        names.append(batch.id.recording)
        windows.append(normal_features(batch, drift, training, settings))
    features = np.concatenate(windows) if windows else np.empty((0, 0))
    if len(features) < _FEWEST_WINDOWS:
        raise UsageError(
            f"the recordings hold {len(features)} normal windows after their first "
            f"{training.commissioning_seconds // 60} minutes, at least {_FEWEST_WINDOWS} are "
            "needed: train on more recordings, or on longer ones"
        )
    floor = tuple(float(value) for value in np.median(features, axis=0))
    limits = tuple(
        float(value) for value in np.maximum(_LIMIT_MARGIN * features.max(axis=0), _LEAST_LIMIT)
    )
    features = one_sided(features, floor)
    forest = IsolationForest(
        n_estimators=training.trees,
        max_samples=min(training.samples_per_tree, len(features)),
        random_state=training.seed,
    ).fit(features)
    threshold = float(np.quantile(-forest.score_samples(features), 1 - training.flag_rate))
    return Trained(
        detector=Detector(flatten(forest), threshold, drift, floor, limits, settings),
        forest=forest,
        facts={
            "recordings": len(names),
            "windows": len(features),
            "data_sha256": digest.hexdigest(),
            "flag_rate": training.flag_rate,
            "trees": training.trees,
            "samples_per_tree": training.samples_per_tree,
            "seed": training.seed,
        },
    )


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


def learn_drift(batches: Iterable[Batch], settings: DetectorSettings) -> dict[str, float]:
    """Learn how far each sensor wanders in normal hours, in its own unit.

    A sensor's drift in one recording is the 0.9 quantile of how far its windows' means are from
    the profile's centre; over recordings the median of that.
    """
    wandering: dict[str, list[float]] = {}
    for batch in batches:
        profile = profiles.learn(batch)
        sensors = profile.live_sensors
        rows = _sampled(batch, is_normal(batch), settings.window_seconds)
        if not sensors or not len(rows):
            continue
        scale = np.array([max(profile.sensors[name].spread, 1e-9) for name in sensors])
        for name, distances in zip(
            sensors, _distances(batch, profile, scale, rows, settings), strict=True
        ):
            if len(distances):
                wandering.setdefault(name, []).append(
                    float(np.quantile(distances, _DRIFT_QUANTILE))
                )
    drift = {name: float(np.median(values)) for name, values in sorted(wandering.items())}
    return {name: value for name, value in drift.items() if value > 0}


def _distances(
    batch: Batch,
    profile: profiles.Profile,
    scale: np.ndarray,
    rows: np.ndarray,
    settings: DetectorSettings,
) -> Iterator[np.ndarray]:
    """For each live sensor, how far its live windows' means are from the centre (own unit)."""
    values = readings_of(batch.table, profile.live_sensors)
    centre = np.array([profile.sensors[name].centre for name in profile.live_sensors])
    statistics = SlidingWindows(batch.microseconds, values, centre, scale).statistics(
        rows, settings.window_seconds, settings.frozen_seconds
    )
    for column in range(len(centre)):
        live = statistics.live[:, column]
        yield np.abs(statistics.level[live, column]) * scale[column]


def normal_features(
    batch: Batch,
    drift: dict[str, float],
    training: TrainingSettings,
    settings: DetectorSettings,
) -> np.ndarray:
    """Features of a recording's normal windows, shape (windows, len(FEATURES))."""
    seen = observe(batch, profiles.learn(batch), drift, settings)
    wanted = np.isin(seen.rows, _sampled(batch, is_normal(batch), training.sample_seconds))
    return seen.features[wanted]


def _sampled(batch: Batch, normal: np.ndarray, every_seconds: int) -> np.ndarray:
    """Positions of the first normal row after commissioning in every so many seconds."""
    times = batch.microseconds
    rows = np.flatnonzero(normal & (times >= batch.commissioning_end))
    slots = (times[rows] - batch.recording_start) // (every_seconds * SECOND)
    return rows[np.diff(slots, prepend=-1) > 0]
