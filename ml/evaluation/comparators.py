"""What ours is measured against: each gives scores for an instance, and some a limit of their own.

Every comparator is fitted on the training wells' instances (or, where it learns from the judged
recording, on that one's commissioning time only) and never sees a label of the judged one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

from ml.evaluation.instances import Instance
from ml.evaluation.samples import LARGEST, WINDOW_ROWS, Normalisation, Samples, filled_values
from petrostream.detection.windows import SlidingWindows
from petrostream.ingest.readings import readings_of
from petrostream.schema.sensors import BY_NAME

FOCAL_SENSORS: Final = ("P-PDG", "P-TPT", "T-TPT", "P-MON-CKP", "T-JUS-CKP")
_SEED: Final = 1
_MOST_TRAINING_ROWS: Final = 200_000
_EVERY_ROWS: Final = 15
_LEARNED_EVERY_ROWS: Final = 90
_FEWEST: Final = 2


class Comparator(ABC):
    """A published or plain way of detecting anomalies.

    `own_limit` is the limit that belongs to it, `None` where it has none; `takes_budget` says
    whether a limit is (also) set by the budget of false alarms.
    """

    name: str
    own_limit: float | None
    takes_budget: bool

    @abstractmethod
    def fit(self, training: Sequence[Instance]) -> None:
        """Learn from the training wells' instances."""

    @abstractmethod
    def score(self, instance: Instance) -> np.ndarray:
        """Score an instance's rows after commissioning: positive, NaN where it can't, (rows,)."""


class RawForest(Comparator):
    """Five raw sensors into an Isolation Forest, rows with a missing one dropped.

    The limit is scikit-learn's for `contamination=0.01`: the 0.99 quantile of training scores.
    """

    name = "raw-forest"
    own_limit = 1.0
    takes_budget = False

    def fit(self, training: Sequence[Instance]) -> None:
        """Fit on normal rows, evenly thinned to 200,000 at most."""
        rows = [self._complete(one)[one.normal] for one in training]
        values = np.concatenate([one[np.isfinite(one).all(axis=1)] for one in rows])
        step = max(1, -(-len(values) // _MOST_TRAINING_ROWS))
        self._forest = (
            IsolationForest(contamination=0.01, random_state=_SEED).fit(values[::step])
            if len(values) >= _FEWEST
            else None
        )

    def score(self, instance: Instance) -> np.ndarray:
        """The forest's anomaly score by its own limit; NaN where a sensor is missing."""
        values, score = self._complete(instance), np.full(len(instance.labels), np.nan)
        rows = np.flatnonzero(np.isfinite(values).all(axis=1) & instance.watched)
        if self._forest is not None and len(rows):
            score[rows] = self._forest.score_samples(values[rows]) / self._forest.offset_
        return score

    @staticmethod
    def _complete(instance: Instance) -> np.ndarray:
        return np.clip(readings_of(instance.recording.table, FOCAL_SENSORS), -LARGEST, LARGEST)


class WindowMethod(Comparator):
    """A one-class method of benchmark 2, carried over to streams.

    It learns from the windows of a recording's commissioning time, a window every 90 s, and is
    evaluated every 15 s. Six statistics of each of eight variables, as in the paper.
    """

    own_limit = 1.0
    takes_budget = True

    def __init__(self) -> None:
        self._scores: dict[str, np.ndarray] = {}

    def fit(self, training: Sequence[Instance]) -> None:
        """Nothing: it learns from the judged recording's commissioning time."""

    @abstractmethod
    def rate(self, training: np.ndarray, judged: np.ndarray) -> np.ndarray:
        """Rate windows by training windows' features, 1.0 being its own limit: (windows,)."""

    def score(self, instance: Instance) -> np.ndarray:
        """Score of the newest window, held until the next."""
        if instance.name not in self._scores:
            self._scores[instance.name] = self._score(instance)
        return self._scores[instance.name]

    def _score(self, instance: Instance) -> np.ndarray:
        rows = len(instance.labels)
        score = np.full(rows, np.nan)
        first = int(np.count_nonzero(~instance.watched))
        learned = np.arange(0, first - WINDOW_ROWS + 1, _LEARNED_EVERY_ROWS)
        judged = np.arange(first - WINDOW_ROWS, rows - WINDOW_ROWS, _EVERY_ROWS) + 1
        if len(learned) < _FEWEST or first == rows:
            return score
        values = filled_values(instance)
        training, windows = Samples.of(values, learned), Samples.of(values, judged)
        normalisation = Normalisation.of(training)
        if not normalisation.is_empty:
            rated = self.rate(normalisation.features(training), normalisation.features(windows))
            score[first:] = np.repeat(rated, _EVERY_ROWS)[: rows - first]
        return score


class PaperForest(WindowMethod):
    """The paper's Isolation Forest: one per instance, its limit the worst training window."""

    name = "paper-forest"

    def rate(self, training: np.ndarray, judged: np.ndarray) -> np.ndarray:
        """Anomaly score by the highest of the training windows."""
        forest = IsolationForest(random_state=_SEED).fit(training)
        return forest.score_samples(judged) / forest.score_samples(training).min()


class OutlierFactor(WindowMethod):
    """Local outlier factor on the same windows, with scikit-learn's defaults."""

    name = "local-outlier-factor"

    def rate(self, training: np.ndarray, judged: np.ndarray) -> np.ndarray:
        """Outlier factor by scikit-learn's limit (1.5)."""
        neighbours = min(20, len(training) - 1)
        factor = LocalOutlierFactor(n_neighbors=neighbours, novelty=True).fit(training)
        return factor.score_samples(judged) / factor.offset_


class RootMeanSquare(Comparator):
    """Root mean square over the live sensors of log(1 + |z|), z of 180 s means.

    z is against the commissioning time's median; its scale is that time's spread with the drift
    usual for the sensor added: the median over the training recordings of the 0.9 quantile of
    how far 180 s means are from the median.
    """

    name = "root-mean-square"
    own_limit = None
    takes_budget = True

    def __init__(self) -> None:
        self._drift: dict[str, float] = {}
        self._known: dict[str, dict[str, float]] = {}

    def fit(self, training: Sequence[Instance]) -> None:
        """Learn each sensor's usual drift."""
        wandering: dict[str, list[float]] = {}
        for instance in training:
            for name, distance in self._distances(instance).items():
                wandering.setdefault(name, []).append(distance)
        self._drift = {name: float(np.median(values)) for name, values in wandering.items()}

    def score(self, instance: Instance) -> np.ndarray:
        """Evaluate every 15 rows and hold."""
        score = np.full(len(instance.labels), np.nan)
        names, centre, spread, values = _measured(instance)
        rows = np.flatnonzero(instance.watched)[::_EVERY_ROWS]
        if not names or not len(rows):
            return score
        drift = np.array([self._drift.get(name, 0.0) for name in names])
        resolution = np.array([BY_NAME[name].resolution for name in names])
        scale = np.maximum(np.hypot(spread, drift), resolution)
        windows = SlidingWindows(instance.microseconds, values, centre, scale)
        statistics = windows.statistics(rows, WINDOW_ROWS, 600)
        deviations = np.where(statistics.live, np.log1p(np.abs(statistics.level)), 0.0)
        number = statistics.live.sum(axis=1)
        rated = np.sqrt((deviations**2).sum(axis=1) / np.maximum(number, 1))
        held = np.repeat(np.where(number > 0, rated, np.nan), _EVERY_ROWS)
        score[rows[0] :] = held[: len(score) - rows[0]]
        return score

    def _distances(self, instance: Instance) -> dict[str, float]:
        """How far each sensor wanders in normal time, in its own unit."""
        if instance.name not in self._known:
            names, centre, spread, values = _measured(instance)
            rows = np.flatnonzero(instance.watched_normal)[::WINDOW_ROWS]
            self._known[instance.name] = {}
            if names and len(rows):
                scale = np.maximum(spread, 1e-9)
                windows = SlidingWindows(instance.microseconds, values, centre, scale)
                statistics = windows.statistics(rows, WINDOW_ROWS, 600)
                for column, name in enumerate(names):
                    levels = np.abs(statistics.level[statistics.live[:, column], column])
                    if len(levels):
                        far = float(np.quantile(levels, 0.9)) * float(scale[column])
                        self._known[instance.name][name] = far
        return self._known[instance.name]


def _measured(
    instance: Instance,
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Sensors alive in commissioning, their median and spread there, and all their readings."""
    table = instance.recording.table
    names = tuple(name for name in table.schema.names if name in BY_NAME)
    values = readings_of(table, names)
    early = values[~instance.watched]
    finite = np.isfinite(early)
    alive = [
        column
        for column in range(len(names))
        if finite[:, column].sum() >= 30  # noqa: PLR2004
        and np.ptp(early[finite[:, column], column]) > 0
    ]
    centre = np.array([np.median(early[finite[:, one], one]) for one in alive])
    spread = np.array(
        [
            1.4826 * np.median(np.abs(early[finite[:, one], one] - middle))
            for one, middle in zip(alive, centre, strict=True)
        ]
    )
    return tuple(names[one] for one in alive), centre, spread, values[:, alive]
