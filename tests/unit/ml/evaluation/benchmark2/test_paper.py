"""Benchmark 2: which windows it takes, and how they are judged."""

import numpy as np
import pytest

from ml.evaluation.benchmark2.detector import Rule, WindowScores, choose_rule
from ml.evaluation.benchmark2.paper import choose_windows, micro_f1, outlier_factor, paper_forest
from ml.evaluation.samples import WINDOW_ROWS, Normalisation, Samples

UNLABELLED = -1


def labels(*segments: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.full(rows, label) for label, rows in segments])


def test_windows_of_an_instance_with_all_three_periods() -> None:
    normal, gap, transient = 6000, 50, 3000
    chosen = choose_windows(
        labels((0, normal), (UNLABELLED, gap), (105, transient), (5, 2000)), event_class=5
    )
    last = normal - WINDOW_ROWS
    assert chosen.training.tolist() == [last - n * WINDOW_ROWS for n in range(14, 5, -1)]
    assert chosen.test[:6].tolist() == [last - n * WINDOW_ROWS for n in range(5, -1, -1)]
    assert chosen.truth.tolist() == [False] * 6 + [True] * 6
    first = normal + gap - WINDOW_ROWS + 1
    # Of 15 windows spread over the transient the first three; then steady ones side by side.
    step = (transient - 2) // 14
    assert chosen.test[6:9].tolist() == [first, first + step, first + 2 * step]
    steady = normal + gap + transient - WINDOW_ROWS + 1
    assert chosen.test[9:].tolist() == [steady, steady + 142, steady + 2 * 142]


def test_without_a_steady_fault_the_transient_gives_all_abnormal_windows() -> None:
    chosen = choose_windows(labels((0, 3000), (102, 900)), event_class=2)
    assert len(chosen.test) == 12
    assert (chosen.test[6:] >= 3000 - WINDOW_ROWS + 1).all()
    assert (chosen.test[6:] + WINDOW_ROWS <= 3900).all()


def test_training_windows_lie_in_normal_time_before_all_that_test() -> None:
    chosen = choose_windows(labels((0, 1206), (UNLABELLED, 70), (102, 2000), (2, 500)), 2)
    assert chosen.training.min() >= 0
    assert chosen.training.max() < chosen.test.min()
    assert chosen.test[:6].max() + WINDOW_ROWS <= 1206


def test_a_fault_of_a_few_rows_gives_as_many_windows_as_fit() -> None:
    chosen = choose_windows(labels((0, 3000), (102, 4)), event_class=2)
    assert chosen.truth.tolist() == [False] * 6 + [True] * 3


def test_f1_is_the_share_of_windows_called_rightly() -> None:
    truth = np.array([False, False, True, True])
    assert micro_f1(truth, truth) == 1
    assert micro_f1(truth, np.array([False, True, True, True])) == 0.75


def test_samples_are_the_statistics_of_each_window() -> None:
    values = np.random.default_rng(2).normal(size=(500, 3))
    starts = np.array([0, 37, 320])
    samples = Samples.of(values, starts)
    for row, start in enumerate(starts):
        window = values[start : start + WINDOW_ROWS]
        assert np.allclose(samples.median[row], np.median(window, axis=0))
        assert np.allclose(samples.mean[row], window.mean(axis=0))
        assert np.allclose(samples.deviation[row], window.std(axis=0))
        assert np.allclose(samples.largest[row], window.max(axis=0))
        assert np.allclose(samples.smallest[row], window.min(axis=0))


def test_normalisation_is_that_of_all_training_readings_and_drops_what_stands_still() -> None:
    random = np.random.default_rng(4)
    values = np.column_stack([random.normal(5, 2, 720), np.full(720, 3.0)])
    training = Samples.of(values, np.array([0, 180, 360, 540]))
    normalisation = Normalisation.of(training)
    assert normalisation.kept.tolist() == [True, False]
    assert normalisation.centre[0] == pytest.approx(values[:, 0].mean())
    assert normalisation.deviation[0] == pytest.approx(values[:, 0].std())
    assert normalisation.features(training).shape == (4, 6)


@pytest.mark.parametrize("method", [paper_forest, outlier_factor])
def test_published_methods_call_what_is_far_off_abnormal_and_training_normal(method) -> None:
    training = np.random.default_rng(6).normal(size=(9, 12))
    assert method(training, training + 100).all()
    assert not paper_forest(training, training).any()


def test_the_rule_is_the_one_that_serves_the_other_wells() -> None:
    def scores(test: list[float]) -> WindowScores:
        return WindowScores(np.array([0.5, 1.0]), np.array(test), np.array([False, False, True]))

    others = [scores([0.9, 1.1, 1.8]), scores([0.2, 1.2, 1.5])]
    rule = choose_rule(others)
    assert all(rule.f1(one) == 1 for one in others)
    assert Rule(1.0).flag(others[0]).tolist() == [False, False, False]
    assert choose_rule([]).f1(others[0]) == 1
