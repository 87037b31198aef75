"""Where models are published: files in the models bucket, a pointer in SSM."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import error_code, explained
from petrostream.documents import Bounds
from petrostream.errors import (
    InvalidModel,
    ModelNotReady,
    ObjectMissing,
    ObjectTooLarge,
    PermanentError,
    TransientError,
    UsageError,
)
from petrostream.ingest.batches import LOOKBACK_SECONDS
from petrostream.registry.model_files import (
    EVALUATION_NAME,
    FOREST_NAME,
    MANIFEST_NAME,
    Model,
    PackedModel,
    Pointer,
    sha256,
    unpack,
)
from petrostream.schema.keys import model_key
from petrostream.settings import Settings, use_stack

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_MAX_MANIFEST_BYTES: Final = Bounds().size
_MAX_EVALUATION_BYTES: Final = 4 * 1024 * 1024
_MAX_FOREST_BYTES: Final = 256 * 1024 * 1024
POINTER_CHECK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Move:
    """A model that became the current one, and when (UTC without a zone)."""

    pointer: Pointer
    when: datetime


class ModelRegistry:
    """Publishes models and finds the current one."""

    def __init__(self, bucket: Bucket, parameter: str, client: "SSMClient | None" = None) -> None:
        self._bucket = bucket
        self._parameter = parameter
        self._ssm = client or clients.ssm()

    def pointer(self) -> Pointer:
        """Read which model is current.

        Raises
        ------
        ModelNotReady
            If none has been published yet.
        InvalidModel
            If the pointer can't be read.
        """
        with explained(f"reading the model pointer {self._parameter}"):
            try:
                response = self._ssm.get_parameter(Name=self._parameter)
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    raise ModelNotReady(
                        "no model is published yet: train one with `petrostream train`"
                    ) from error
                raise
        return _pointer(response["Parameter"]["Value"])

    def manifest(self, version: str) -> bytes:
        """Read a published model's `model.json` alone, unchecked.

        Raises
        ------
        ObjectMissing, ObjectTooLarge
            If it is not there, or no manifest.
        """
        return self._bucket.get(model_key(version, MANIFEST_NAME), at_most=_MAX_MANIFEST_BYTES).body

    def load(self, pointer: Pointer) -> Model:
        """Load a published model.

        Raises
        ------
        InvalidModel
            If it is not there, or not what the pointer pins.
        """
        try:
            manifest = self._bucket.get(
                model_key(pointer.version, MANIFEST_NAME), at_most=_MAX_MANIFEST_BYTES
            )
            forest = self._bucket.get(
                model_key(pointer.version, FOREST_NAME), at_most=_MAX_FOREST_BYTES
            )
        except (ObjectMissing, ObjectTooLarge) as error:
            raise InvalidModel(f"model {pointer.version} can't be loaded: {error}") from error
        model = unpack(pointer, manifest.body, forest.body)
        check_lookback(model)
        return model

    def publish(self, packed: PackedModel, extra: dict[str, bytes] | None = None) -> bool:
        """Upload a model, then move the pointer to it; `extra` files are kept beside it.

        Tells whether it was not the current one before.

        Raises
        ------
        InvalidModel
            If it is damaged, its manifest is larger than what is read, or it needs more lookback
            than batches carry; nothing is uploaded then.
        """
        check_lookback(unpack(packed.pointer, packed.manifest, packed.forest))
        files = {**(extra or {}), FOREST_NAME: packed.forest, MANIFEST_NAME: packed.manifest}
        for name, body in files.items():
            self._bucket.put(
                model_key(packed.pointer.version, name), body, "application/octet-stream"
            )
        is_another = not self._is_current(packed.pointer)
        self.move(packed.pointer)
        return is_another

    def _is_current(self, pointer: Pointer) -> bool:
        try:
            return self.pointer() == pointer
        except (ModelNotReady, InvalidModel):
            return False

    def attach(self, version: str, evaluation: bytes) -> None:
        """Put an evaluation beside a published model, in place of an earlier one."""
        key = model_key(version, EVALUATION_NAME)
        self._bucket.put(key, evaluation, "application/json")

    def evaluation(self, version: str) -> bytes | None:
        """Read the evaluation beside a model, unchecked; `None` where there is none.

        Raises
        ------
        ObjectTooLarge
            If it can be no evaluation.
        """
        try:
            key = model_key(version, EVALUATION_NAME)
            return self._bucket.get(key, at_most=_MAX_EVALUATION_BYTES).body
        except ObjectMissing:
            return None

    def move(self, pointer: Pointer) -> None:
        """Make a published model the current one."""
        with explained(f"moving the model pointer {self._parameter}"):
            self._ssm.put_parameter(
                Name=self._parameter, Value=pointer.to_json(), Type="String", Overwrite=True
            )

    def pointer_to(self, version: str) -> Pointer:
        """Make a pointer to a version that was published before.

        Raises
        ------
        UsageError
            If there is no such version.
        """
        try:
            manifest = self._bucket.get(
                model_key(version, MANIFEST_NAME), at_most=_MAX_MANIFEST_BYTES
            )
        except ObjectMissing as error:
            raise UsageError(
                f"there is no model {version}: `petrostream list` names those there are"
            ) from error
        return Pointer(version, sha256(manifest.body))

    def history(self) -> list[Pointer]:
        """Every pointer there was, oldest first; what is no pointer is left out."""
        return [move.pointer for move in self.moves()]

    def moves(self) -> list[Move]:
        """Every pointer there was, oldest first, and when it was set."""
        with explained(f"reading the history of {self._parameter}"):
            try:
                pages = self._ssm.get_paginator("get_parameter_history").paginate(
                    Name=self._parameter
                )
                items = [item for page in pages for item in page["Parameters"]]
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    return []
                raise
        moves = []
        for item in items:
            with suppress(InvalidModel):  # whatever somebody wrote there by hand
                when = item["LastModifiedDate"].astimezone(UTC).replace(tzinfo=None)
                moves.append(Move(Pointer.from_json(item["Value"]), when))
        return moves


def find_registry() -> ModelRegistry:
    """The registry that the environment names, or the stack that is up.

    Raises
    ------
    SettingsError
        If neither does.
    """
    use_stack()
    settings = Settings.load("models_bucket", "model_parameter")
    return ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)


NO_MODEL: Final = "none"
"""What provisioning writes into the pointer before any model is published."""


def _pointer(text: str) -> Pointer:
    if text == NO_MODEL:
        raise ModelNotReady("no model is published yet: train one with `petrostream train`")
    return Pointer.from_json(text)


def check_lookback(model: Model) -> None:
    """Make sure that batches carry what a model looks back on.

    Raises
    ------
    InvalidModel
        If they carry less: each of them would be refused.
    """
    needed = model.detector.settings.lookback_seconds
    if needed > LOOKBACK_SECONDS:
        raise InvalidModel(
            f"model {model.version} needs {needed} s of lookback, and batches carry "
            f"{LOOKBACK_SECONDS} s: train one with shorter windows"
        )


@dataclass
class CurrentModel:
    """The current model, kept in memory; the pointer is looked at again every half a minute.

    While the pointer can't be read, or points to a model that can't be loaded, the one in memory
    goes on: a bad publication must not stop the scoring.
    """

    registry: ModelRegistry
    clock: Callable[[], float] = time.monotonic
    on_problem: Callable[[str], None] = lambda _: None
    _model: Model | None = None
    _pointer: Pointer | None = None
    _checked: float = 0.0

    def get(self) -> Model:
        """Return the current model.

        Raises
        ------
        ModelNotReady, InvalidModel, ServiceUnavailable
            If there is none in memory and none can be loaded.
        """
        if self._model is not None and self.clock() - self._checked < POINTER_CHECK_SECONDS:
            return self._model
        try:
            pointer = self.registry.pointer()
            if self._model is None or pointer != self._pointer:
                self._model, self._pointer = self.registry.load(pointer), pointer
        except (PermanentError, TransientError) as error:
            if self._model is None:
                raise
            self.on_problem(f"model {self._model.version} goes on: {error}")
        self._checked = self.clock()
        return self._model
