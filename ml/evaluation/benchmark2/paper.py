"""Benchmark 2 of the 3W paper: windows of one instance, a part of its normal time to learn from.

Vargas et al. 2019, "A realistic and public dataset with rare undesirable real events in oil
wells", section on benchmark 2; the choice of windows and the two published methods follow
`demo_2_benchmark_anomaly_detection.ipynb` of github.com/ricardovvargas/3w_dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

from ml.evaluation.instances import Instance
from ml.evaluation.samples import WINDOW_ROWS, Normalisation, Samples, filled_values
from petrostream.schema.labels import NORMAL, TRANSIENT_OFFSET

CLASSES: Final = (1, 2, 5, 6, 7, 8)
LEAST_NORMAL_ROWS: Final = 20 * 60
MOST_WINDOWS: Final = 15
TRAINING_SHARE: Final = 0.6
PUBLISHED: Final[dict[str, float]] = {
    "isolation_forest": 0.727,
    "one_class_svm_rbf": 0.532,
    "dummy": 0.5,
    "one_class_svm_poly": 0.472,
    "one_class_svm_sigmoid": 0.470,
    "one_class_svm_linear": 0.414,
    "local_outlier_factor_tuned_2020": 0.882,
}
"""Mean F1 over the whole release's 36 instances, as published (docs/evaluation.md has sources)."""

_SEED: Final = 1
_RMS_FACTOR: Final = 1.5


@dataclass(frozen=True)
class Windows:
    """The windows of an instance, by their first rows; each has 180 rows.

    `training` has shape (windows,), `test` and `truth` (windows,); `truth` says which test
    windows are abnormal.
    """

    training: np.ndarray
    test: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, slots=True)
class _Period:
    """Rows from which windows may be taken: the first, and how many windows fit."""

    first: int
    windows: int

    def step(self, taken: int, at_most: float) -> int:
        spread = 1 if taken == self.windows else (self.windows - 1) // (MOST_WINDOWS - 1)
        return int(min(at_most, spread))

    def starts(self, taken: int, at_most: float = np.inf) -> np.ndarray:
        return self.first + np.arange(taken) * self.step(taken, at_most)


def is_chosen(instance: Instance) -> bool:
    """Whether benchmark 2 takes an instance: real, of six classes, 20 minutes of normal rows."""
    return (
        instance.truth.is_real
        and instance.truth.fault in CLASSES
        and int(np.count_nonzero(instance.normal)) >= LEAST_NORMAL_ROWS
    )


def choose_windows(labels: np.ndarray, event_class: int) -> Windows:
    """Choose an instance's windows as the demonstration does.

    The last windows of normal time, 15 at most and without gaps where they fit: the first 60 %
    train, the rest test. As many abnormal ones test: half from the transient, spread over all of
    it, and half from the beginning of the steady fault; where one period is too short the other
    gives more.
    """
    normal = _rows_of(labels, NORMAL)
    most_normal = int(normal[-1] - normal[0]) + 1 - WINDOW_ROWS
    number = max(min(MOST_WINDOWS, most_normal), 0)
    for_training = int(TRAINING_SHARE * number)
    transient, steady = _abnormal_periods(labels, event_class)
    of_transient, of_steady, for_test = _shares(number - for_training, transient, steady)
    step = _Period(0, most_normal).step(number, WINDOW_ROWS)
    last = int(normal[-1]) - WINDOW_ROWS + 1
    starts = last - (number - 1 - np.arange(for_training + for_test)) * step
    abnormal = [transient.starts(of_transient), steady.starts(of_steady, WINDOW_ROWS)]
    test = np.concatenate([starts[for_training:], *abnormal]).astype(np.int64)
    return Windows(
        training=starts[:for_training],
        test=test,
        truth=np.arange(len(test)) >= for_test,
    )


def _rows_of(labels: np.ndarray, label: int) -> np.ndarray:
    return np.flatnonzero(labels == label)


def _abnormal_periods(labels: np.ndarray, event_class: int) -> tuple[_Period, _Period]:
    """The transient and the steady fault; windows may begin up to 179 rows before either, and
    those of the steady fault may end as far after it.
    """
    before = WINDOW_ROWS - 1
    transient = _rows_of(labels, event_class + TRANSIENT_OFFSET)
    steady = _rows_of(labels, event_class)
    periods = []
    for rows, after in ((transient, 0), (steady, before)):
        if not len(rows):
            periods.append(_Period(0, 0))
            continue
        first = max(int(rows[0]) - before, 0)
        last = min(int(rows[-1]) + after, len(labels) - 1)
        periods.append(_Period(first, max(last - first + 1 - WINDOW_ROWS, 0)))
    return periods[0], periods[1]


def _shares(wanted: int, transient: _Period, steady: _Period) -> tuple[int, int, int]:
    """How many windows of the transient, of the steady fault and of normal time test."""
    of_transient = ceil(wanted / 2)
    of_steady = wanted - of_transient
    if transient.windows >= of_transient and steady.windows < of_steady:
        of_steady = steady.windows
        of_transient = min(wanted - of_steady, transient.windows)
    elif transient.windows < of_transient and steady.windows >= of_steady:
        of_transient = transient.windows
        of_steady = min(wanted - of_transient, steady.windows)
    elif transient.windows < of_transient and steady.windows < of_steady:
        of_transient, of_steady = transient.windows, steady.windows
        wanted = of_transient + of_steady
    return of_transient, of_steady, wanted


def micro_f1(truth: np.ndarray, flagged: np.ndarray) -> float:
    """F1 micro-averaged over both classes: the share of test windows that are called rightly."""
    return float(np.mean(truth == flagged))


def paper_forest(training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Flag windows: Isolation Forest, the limit being the worst of the training windows.

    The demonstration's `contamination=0`, which newer releases of scikit-learn refuse.
    """
    forest = IsolationForest(random_state=_SEED).fit(training)
    return forest.score_samples(test) < forest.score_samples(training).min()


def outlier_factor(training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Flag windows: local outlier factor, scikit-learn's defaults, all training windows near."""
    neighbours = min(20, len(training) - 1)
    return LocalOutlierFactor(n_neighbors=neighbours, novelty=True).fit(training).predict(test) < 0


def root_mean_square(training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Flag windows: root mean square of the features, 1.5 times the largest in training."""
    largest = np.sqrt((training**2).mean(axis=1)).max()
    return np.sqrt((test**2).mean(axis=1)) > _RMS_FACTOR * largest


METHODS: Final = {
    "paper-forest": paper_forest,
    "local-outlier-factor": outlier_factor,
    "root-mean-square": root_mean_square,
}


def compare(instances: Sequence[Instance]) -> dict[str, list[float]]:
    """F1 of each comparator on each instance."""
    scores: dict[str, list[float]] = {name: [] for name in METHODS}
    for instance in instances:
        windows = choose_windows(instance.labels, instance.truth.fault)
        values = filled_values(instance)
        training, test = (Samples.of(values, one) for one in (windows.training, windows.test))
        normalisation = Normalisation.of(training)
        for name, method in METHODS.items():
            flagged = (
                np.zeros(len(windows.test), dtype=bool)
                if normalisation.is_empty
                else method(normalisation.features(training), normalisation.features(test))
            )
            scores[name].append(micro_f1(windows.truth, flagged))
    return scores


def summary(ours: Sequence[float], others: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """What the JSON holds of benchmark 2."""
    return {
        **_moments(ours),
        "published": dict(PUBLISHED),
        "comparators": {name: _moments(scores) for name, scores in others.items()},
    }


def _moments(scores: Sequence[float]) -> dict[str, Any]:
    return {
        "instances": len(scores),
        "mean_f1": float(np.mean(scores)) if scores else None,
        "sd_f1": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
    }
