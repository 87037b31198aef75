"""The published model: what it was trained on, and the evaluation that lies beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from petrostream.documents import Part
from petrostream.errors import InvalidEvaluation, InvalidModel, ObjectMissing, ObjectTooLarge
from petrostream.evaluation.document import Evaluation, NotEvaluated, from_json
from petrostream.registry.models import ModelRegistry
from petrostream.schema.stored_forms import MANIFEST

_Fact = TypeVar("_Fact")


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
        facts = MANIFEST.read(registry.manifest(version), version)["training"]
    except (InvalidModel, ObjectMissing, ObjectTooLarge):
        return Training()
    return Training(
        _told(facts, "recordings", Part.whole),
        _told(facts, "windows", Part.whole),
        _told(facts, "data_sha256", Part.text),
    )


def _told(facts: Part, name: str, take: Callable[[Part], _Fact]) -> _Fact | None:
    """A fact, where the manifest holds one."""
    try:
        return take(facts[name])
    except InvalidModel:
        return None
