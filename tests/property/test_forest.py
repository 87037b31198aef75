"""The numpy forest equals scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from ml.training.export_forest import flatten
from petrostream.detection.isolation_forest import load, save
from petrostream.errors import InvalidModel


@given(
    seed=st.integers(0, 2**31),
    trees=st.integers(1, 30),
    max_samples=st.integers(2, 300),
    features=st.integers(1, 8),
    max_features=st.floats(0.2, 1.0),
    distinct=st.sampled_from([2, 5, 10**6]),
)
@settings(max_examples=60)
def test_scores_equal_scikit_learns(
    seed: int, trees: int, max_samples: int, features: int, max_features: float, distinct: int
) -> None:
    random = np.random.default_rng(seed)
    training = random.integers(distinct, size=(400, features)) / 7.0
    fitted = IsolationForest(
        n_estimators=trees, max_samples=max_samples, max_features=max_features, random_state=seed
    ).fit(training)
    forest = load(save(flatten(fitted)))
    samples = np.vstack([training, 1e3 * random.standard_normal((200, features))])
    difference = np.abs(forest.score_samples(samples) - fitted.score_samples(samples))
    assert difference.max() <= 1e-12


def test_a_sample_scores_the_same_alone_and_among_others() -> None:
    random = np.random.default_rng(1)
    forest = flatten(IsolationForest(n_estimators=50, random_state=1).fit(random.random((500, 5))))
    samples = random.random((5000, 5))
    together = forest.score_samples(samples)
    alone = np.array([forest.score_samples(samples[i : i + 1])[0] for i in range(0, 5000, 501)])
    assert (together[::501] == alone).all()


@pytest.mark.parametrize("bad", [np.full((1, 3), np.nan), np.zeros((1, 2)), np.zeros(3)])
def test_what_it_cannot_score_is_refused(bad: np.ndarray) -> None:
    fitted = IsolationForest(n_estimators=2, random_state=1).fit(
        np.random.default_rng(1).random((50, 3))
    )
    with pytest.raises(ValueError, match="features"):
        flatten(fitted).score_samples(bad)


@given(position=st.integers(0, 2**20), value=st.integers(0, 255))
@settings(max_examples=100)
def test_damaged_bytes_are_refused_or_harmless(position: int, value: int) -> None:
    fitted = IsolationForest(n_estimators=2, random_state=1).fit(
        np.random.default_rng(1).random((50, 3))
    )
    damaged = bytearray(save(flatten(fitted)))
    damaged[position % len(damaged)] = value
    try:
        forest = load(bytes(damaged))
    except InvalidModel:
        return
    scores = forest.score_samples(np.zeros((1, forest.n_features)))
    assert scores.shape == (1,)
