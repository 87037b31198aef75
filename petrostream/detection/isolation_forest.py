"""An Isolation Forest that needs numpy only, loaded from flat arrays.

Scores equal `sklearn.ensemble.IsolationForest.score_samples` (Liu, Ting and Zhou 2008,
"Isolation Forest", section 2 and equation 2); nothing is unpickled.
"""

import io
import zipfile
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np

from petrostream.errors import InvalidModel

_ROWS_AT_ONCE: Final = 512
_EULER_GAMMA: Final = 0.5772156649015329
_MOST_NODES: Final = 5_000_000


def average_path_length(samples: np.ndarray) -> np.ndarray:
    """Mean depth at which an unsuccessful search in a binary tree of `samples` ends (eq. 1)."""
    samples = np.asarray(samples, dtype=np.float64)
    many = samples > 2  # noqa: PLR2004
    safe = np.where(many, samples, 3.0)
    depth = 2.0 * (np.log(safe - 1.0) + _EULER_GAMMA) - 2.0 * (safe - 1.0) / safe
    return np.where(many, depth, np.where(samples == 2, 1.0, 0.0))  # noqa: PLR2004


@dataclass(frozen=True)
class Forest:
    """The nodes of all trees, end to end.

    `feature`, `threshold`, `left`, `right` and `path_length` have one entry a node. A leaf points
    to itself; `path_length` is its depth with the expected rest below it. `roots` has the first
    node of each tree, `depth` is that of the deepest tree, `max_samples` what a tree was grown on.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    path_length: np.ndarray
    roots: np.ndarray
    depth: int
    max_samples: int
    n_features: int

    def score_samples(self, samples: np.ndarray) -> np.ndarray:
        """Score rows of finite features, shape (rows, features): -1 abnormal … 0 normal.

        Raises
        ------
        ValueError
            If the number of features is not the forest's, or a feature is not finite.
        """
        # scikit-learn's trees compare float32 features with float64 thresholds.
        narrow = np.ascontiguousarray(samples, dtype=np.float32)
        if narrow.ndim != 2 or narrow.shape[1] != self.n_features:  # noqa: PLR2004
            raise ValueError(f"the forest takes {self.n_features} features, got {narrow.shape}")
        if not np.isfinite(narrow).all():
            raise ValueError("the forest takes finite features only")
        scores = np.empty(len(narrow))
        for first in range(0, len(narrow), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            scores[rows] = self._score(narrow[rows])
        return scores

    def _score(self, samples: np.ndarray) -> np.ndarray:
        flat = samples.ravel()
        row_start = (np.arange(len(samples)) * self.n_features)[:, np.newaxis]
        nodes = np.broadcast_to(self.roots, (len(samples), len(self.roots)))
        for _ in range(self.depth):
            values = flat[row_start + self.feature[nodes]]
            nodes = self._children[2 * nodes + (values > self.threshold[nodes])]
        depths = self.path_length[nodes].sum(axis=1)
        expected = len(self.roots) * float(average_path_length(np.array(self.max_samples)))
        return -(2.0 ** (-depths / expected))

    @cached_property
    def _children(self) -> np.ndarray:
        return np.stack([self.left, self.right], axis=1).ravel()


def save(forest: Forest) -> bytes:
    """Write a forest as an uncompressed `.npz`; the same forest gives the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for field in fields(forest):
            entry = io.BytesIO()
            np.lib.format.write_array(
                entry, np.asarray(getattr(forest, field.name)), allow_pickle=False
            )
            archive.writestr(zipfile.ZipInfo(f"{field.name}.npy"), entry.getvalue())
    return sink.getvalue()


def load(data: bytes) -> Forest:
    """Read a forest and check that walking it can't leave its arrays.

    Raises
    ------
    InvalidModel
        If the bytes are not a sound forest.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {field.name: archive[field.name] for field in fields(Forest)}
        forest = Forest(
            **{name: arrays[name] for name in _ARRAYS},
            depth=int(arrays["depth"]),
            max_samples=int(arrays["max_samples"]),
            n_features=int(arrays["n_features"]),
        )
    except (ValueError, KeyError, OSError, TypeError, zipfile.BadZipFile) as error:
        raise InvalidModel(f"the forest can't be read: {error}") from error
    _check(forest)
    return forest


_ARRAYS: Final = ("feature", "threshold", "left", "right", "path_length", "roots")


def _check(forest: Forest) -> None:
    nodes = len(forest.feature)
    sound = (
        0 < nodes <= _MOST_NODES
        and all(getattr(forest, name).shape == (nodes,) for name in _ARRAYS[:-1])
        and forest.roots.ndim == 1
        and len(forest.roots) > 0
        and all(_within(getattr(forest, name), nodes) for name in ("left", "right", "roots"))
        and _within(forest.feature, forest.n_features)
        and all(_finite(getattr(forest, name)) for name in ("threshold", "path_length"))
        and 0 <= forest.depth <= nodes
        and forest.max_samples > 1
    )
    if not sound:
        raise InvalidModel("the forest's arrays do not fit each other")


def _finite(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.floating) and bool(np.isfinite(values).all())


def _within(positions: np.ndarray, end: int) -> bool:
    return (
        np.issubdtype(positions.dtype, np.integer)
        and bool((positions >= 0).all())
        and bool((positions < end).all())
    )
