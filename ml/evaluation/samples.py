"""Windows of an instance as the 3W paper's demonstration describes them: six statistics a variable.

Vargas et al. 2019, "A realistic and public dataset with rare undesirable real events in oil
wells", and `demo_2_benchmark_anomaly_detection.ipynb` of github.com/ricardovvargas/3w_dataset:
missing readings count as 0; variables that hardly vary in training are dropped; readings are
normalised with the training windows' mean and deviation; of each variable the median, mean,
standard deviation, variance, maximum and minimum.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ml.evaluation.instances import Instance
from petrostream.ingest.readings import readings_of

VARIABLES: Final = (
    "P-PDG", "P-TPT", "T-TPT", "P-MON-CKP", "T-JUS-CKP", "P-JUS-CKGL", "T-JUS-CKGL", "QGL",
)  # fmt: skip
WINDOW_ROWS: Final = 180
_LEAST_DEVIATION: Final = 0.01
LARGEST: Final = 1e15
"""Readings and features beyond are cut: scikit-learn's forests work with 32 bits."""


@dataclass(frozen=True)
class Samples:
    """Statistics of an instance's windows, before normalisation.

    Each array has shape (windows, variables).
    """

    median: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    largest: np.ndarray
    smallest: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, starts: np.ndarray) -> "Samples":
        """Evaluate the windows of 180 rows that begin at the given rows.

        `values` has shape (rows, variables) and no missing ones.
        """
        views = np.lib.stride_tricks.sliding_window_view(values, WINDOW_ROWS, axis=0)
        windows = np.ascontiguousarray(views[starts])
        windows.sort(axis=2)
        middle = WINDOW_ROWS // 2
        return cls(
            median=(windows[:, :, middle - 1] + windows[:, :, middle]) / 2,
            mean=windows.mean(axis=2),
            deviation=windows.std(axis=2),
            largest=windows[:, :, -1],
            smallest=windows[:, :, 0],
        )

    def __getitem__(self, rows: slice | np.ndarray) -> "Samples":
        return Samples(
            self.median[rows],
            self.mean[rows],
            self.deviation[rows],
            self.largest[rows],
            self.smallest[rows],
        )

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class Normalisation:
    """What the training windows say of each variable: whether to keep it, centre and deviation."""

    kept: np.ndarray
    centre: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, training: Samples) -> "Normalisation":
        """Learn it from training windows, all readings of all windows together."""
        centre = training.mean.mean(axis=0)
        within, between = (training.deviation**2).mean(axis=0), training.mean.var(axis=0)
        deviation = np.sqrt(within + between)
        return cls(deviation > _LEAST_DEVIATION, centre, np.where(deviation > 0, deviation, 1.0))

    def features(self, samples: Samples) -> np.ndarray:
        """The six statistics of each kept variable, normalised: shape (windows, 6 x kept)."""
        kept, scale = self.kept, self.deviation[self.kept]
        deviation = samples.deviation[:, kept] / scale
        levels = [
            (values[:, kept] - self.centre[kept]) / scale
            for values in (samples.median, samples.mean, samples.largest, samples.smallest)
        ]
        features = np.hstack([*levels, deviation, deviation**2])
        return np.clip(features, -LARGEST, LARGEST)

    @cached_property
    def is_empty(self) -> bool:
        """Whether no variable is left to learn from."""
        return not self.kept.any()


def filled_values(instance: Instance) -> np.ndarray:
    """An instance's eight variables, missing readings as 0: shape (rows, 8)."""
    values = readings_of(instance.recording.table, VARIABLES)
    return np.clip(np.nan_to_num(values, nan=0.0), -LARGEST, LARGEST)
