"""The published model's evaluation, as far as its `model.json` has one."""

import json
from dataclasses import dataclass
from typing import Any, Final

from petrostream.errors import ObjectMissing, ObjectTooLarge
from petrostream.registry import ModelRegistry

_PLACES: Final = (
    ("evaluation",),
    ("metrics",),
    ("training", "evaluation"),
    ("training", "metrics"),
)
_FIGURES: Final = (
    ("event_recall", "Recall of events", "{:.0%}"),
    ("events_found", "Events found", "{:,}"),
    ("events", "Events", "{:,}"),
    ("false_alarms_per_well_day", "False alarms a well-day", "{:.2f}"),
    ("median_detection_delay_s", "Median delay", "{:,.0f} s"),
    ("p90_detection_delay_s", "Delay, nine of ten", "{:,.0f} s"),
    ("mean_auc", "Mean AUC", "{:.3f}"),
    ("row_precision", "Precision of rows", "{:.3f}"),
    ("row_recall", "Recall of rows", "{:.3f}"),
    ("row_f1", "F1 of rows", "{:.3f}"),
    ("normal_well_days", "Normal well-days", "{:,.1f}"),
    ("recordings", "Recordings", "{:,}"),
)
"""What `ml.evaluation` calls its figures, and how they are shown."""


@dataclass(frozen=True, slots=True)
class Published:
    """The current model: its version, how it was evaluated (protocol and figures), its training.

    `figures` is empty where the model has no evaluation.
    """

    version: str
    protocol: str
    figures: dict[str, str]
    by_class: dict[str, dict[str, Any]]
    training: dict[str, Any]


def published(registry: ModelRegistry) -> Published | None:
    """Read the current model's evaluation; `None` where its manifest can't be had.

    Raises
    ------
    ModelNotReady
        If no model is published.
    """
    pointer = registry.pointer()
    try:
        document: Any = json.loads(registry.manifest(pointer.version))
    except (ObjectMissing, ObjectTooLarge, ValueError):
        return None
    return describe(pointer.version, document if isinstance(document, dict) else {})


def describe(version: str, document: dict[str, Any]) -> Published:
    """Pick what can be shown out of a manifest."""
    found = _evaluation(document)
    figures = {
        label: form.format(found[name])
        for name, label, form in _FIGURES
        if isinstance(found.get(name), int | float)
    }
    by_class = found.get("by_class")
    training = document.get("training")
    return Published(
        version=version,
        protocol=str(found.get("protocol", "")),
        figures=figures,
        by_class={str(label): one for label, one in by_class.items() if isinstance(one, dict)}
        if isinstance(by_class, dict)
        else {},
        training=training if isinstance(training, dict) else {},
    )


def _evaluation(document: dict[str, Any]) -> dict[str, Any]:
    for place in _PLACES:
        found: Any = document
        for name in place:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return found
    return {}
