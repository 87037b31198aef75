"""Turn a fitted scikit-learn forest into the flat arrays that the Lambda walks."""

from typing import Protocol

import numpy as np
from sklearn.ensemble import IsolationForest

from petrostream.detection.isolation_forest import Forest, average_path_length


class _FittedTree(Protocol):
    """What is used of `sklearn.tree._tree.Tree`: one entry a node, children -1 in leaves."""

    children_left: np.ndarray
    children_right: np.ndarray
    n_node_samples: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray


def flatten(fitted: IsolationForest) -> Forest:
    """Copy the trees of a fitted `IsolationForest` into one `Forest` with equal scores."""
    parts = [
        _flatten_tree(estimator.tree_, np.asarray(columns))
        for estimator, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True)
    ]
    sizes = np.array([len(part["feature"]) for part in parts])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for part, root in zip(parts, roots, strict=True):
        part["left"] = part["left"] + root
        part["right"] = part["right"] + root
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Forest(
        feature=joined["feature"].astype(np.int32),
        threshold=joined["threshold"],
        left=joined["left"].astype(np.int32),
        right=joined["right"].astype(np.int32),
        path_length=joined["path_length"],
        roots=roots.astype(np.int32),
        depth=max(estimator.tree_.max_depth for estimator in fitted.estimators_),
        max_samples=int(fitted.max_samples_),
        n_features=int(fitted.n_features_in_),
    )


def _flatten_tree(tree: _FittedTree, columns: np.ndarray) -> dict[str, np.ndarray]:
    left, right = tree.children_left, tree.children_right
    own = np.arange(len(left))
    leaf = left < 0
    depth = np.zeros(len(left))
    for node in np.flatnonzero(~leaf):  # children always come after their parent
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    samples = tree.n_node_samples
    return {
        "feature": np.where(leaf, 0, columns[np.where(leaf, 0, tree.feature)]),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "left": np.where(leaf, own, left),
        "right": np.where(leaf, own, right),
        "path_length": np.where(leaf, depth + average_path_length(samples), 0.0),
    }
