"""The published model: what it was trained on, and the evaluation that lies beside it."""

import json
from dataclasses import dataclass
from typing import Any

from petrostream.errors import InvalidEvaluation, InvalidModel, ObjectMissing, ObjectTooLarge
from petrostream.evaluation.document import Evaluation, NotEvaluated, from_json
from petrostream.registry.models import ModelRegistry
from petrostream.schema.stored_forms import MANIFEST


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was trained on; `None` where its manifest does not say so."""

    recordings: int | None = None
    windows: int | None = None
    data_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """The current model; `evaluation` is `None` where none lies beside it, or a damaged one.

    `fault` says why a damaged one can't be read.
    """

    version: str
    training: Training
    evaluation: Evaluation | NotEvaluated | None
    is_damaged: bool = False
    fault: str = ""

    @property
    def is_of_its_data(self) -> bool:
        """Whether the evaluation is of exactly the recordings that the model was trained on."""
        return (
            isinstance(self.evaluation, Evaluation)
            and self.evaluation.data_sha256 == self.training.data_sha256
        )


def published(registry: ModelRegistry) -> Published:
    """Read the current model's evaluation.

    Raises
    ------
    ModelNotReady
        If no model is published.
    """
    version = registry.pointer().version
    training = _training(registry, version)
    try:
        body = registry.evaluation(version)
        return Published(version, training, None if body is None else from_json(body))
    except (InvalidEvaluation, ObjectTooLarge) as error:
        return Published(version, training, None, is_damaged=True, fault=str(error))


def _training(registry: ModelRegistry, version: str) -> Training:
    try:
        document: Any = json.loads(registry.manifest(version))
        MANIFEST.check(document, version)
    except (InvalidModel, ObjectMissing, ObjectTooLarge, ValueError, RecursionError):
        return Training()
    facts = document.get("training")
    if not isinstance(facts, dict):
        return Training()
    recordings, windows, digest = (
        facts.get(name) for name in ("recordings", "windows", "data_sha256")
    )
    return Training(
        recordings if isinstance(recordings, int) else None,
        windows if isinstance(windows, int) else None,
        digest if isinstance(digest, str) else None,
    )
