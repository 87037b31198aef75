"""Published models: a manifest that pins the forest, and the pointer that pins the manifest.

`model.json` holds everything the detector needs besides the forest's arrays, and the SHA-256 of
`forest.npz`; the pointer (an SSM parameter) holds the version and the SHA-256 of `model.json`.
The version is made of the content, so training again on the same data gives the same version.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from petrostream.detection.detector import Detector
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.features import FEATURES
from petrostream.detection.isolation_forest import Forest, load, save
from petrostream.detection.parameters import DetectorSettings
from petrostream.documents import SMALL, Part
from petrostream.errors import InvalidModel
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.sensors import BY_NAME
from petrostream.schema.stored_forms import MANIFEST, POINTER

MANIFEST_NAME: Final = "model.json"
FOREST_NAME: Final = "forest.npz"
EVALUATION_NAME: Final = "evaluation.json"
_VERSION_LENGTH: Final = 12
_SHA256_PATTERN: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which model is current, and the SHA-256 of its `model.json`."""

    version: str
    sha256: str

    def to_json(self) -> str:
        """Text of the SSM parameter."""
        return json.dumps({"version": self.version, "sha256": self.sha256}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Pointer":
        """Read the SSM parameter.

        Raises
        ------
        InvalidModel
            If it is not a pointer.
        """
        document = POINTER.read(text, bounds=SMALL)
        return cls(document["version"].text(NAME_PATTERN), document["sha256"].text(_SHA256_PATTERN))


@dataclass(frozen=True)
class Model:
    """A detector under its version, with the facts of its training for whoever asks."""

    version: str
    detector: Detector
    training: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PackedModel:
    """A model as it is published: two files and the pointer that leads to them."""

    pointer: Pointer
    manifest: bytes
    forest: bytes


def pack(detector: Detector, training: dict[str, Any]) -> PackedModel:
    """Turn a detector into what is published; `training` must be JSON-ready."""
    forest = save(detector.forest)
    content = {
        "format": MANIFEST.newest,
        "forest_sha256": sha256(forest),
        "features": list(FEATURES),
        "threshold": detector.threshold,
        "drift": detector.drift,
        "drift_exponent": detector.exponent,
        "floor": list(detector.floor),
        "limits": detector.limits.to_document(),
        "settings": asdict(detector.settings),
        "training": training,
    }
    version = sha256(_canonical(content))[:_VERSION_LENGTH]
    manifest = _canonical({**content, "version": version})
    return PackedModel(Pointer(version, sha256(manifest)), manifest, forest)


def unpack(pointer: Pointer, manifest: bytes, forest: bytes) -> Model:
    """Read a published model, checking each hash before its bytes are looked at.

    Raises
    ------
    InvalidModel
        If a hash differs or the manifest is not one that this version can run.
    """
    if sha256(manifest) != pointer.sha256:
        raise InvalidModel(f"{MANIFEST_NAME} of model {pointer.version} is not the published one")
    try:
        content = MANIFEST.read(manifest, pointer.version)
        if content["features"].plain != list(FEATURES):
            content["features"].refuse("is of another version of PetroStream: train again")
        if sha256(forest) != content["forest_sha256"].text():
            raise InvalidModel(f"{FOREST_NAME} of model {pointer.version} is not the published one")
        detector = Detector(
            forest=_fitting(load(forest)),
            threshold=_positive(content["threshold"]),
            drift={
                name: _positive(value)
                for name, value in content["drift"].fields()
                if name in BY_NAME
            },
            exponent=content["drift_exponent"].number(),
            floor=_of_features(content["floor"]),
            settings=DetectorSettings.of(content["settings"].plain),
            limits=Limits.of(content["limits"].plain),
        )
        return Model(content["version"].text(NAME_PATTERN), detector, content["training"].table())
    except InvalidModel:
        raise
    except Exception as error:  # whatever damage does to a reader, it is the model's fault
        raise InvalidModel(f"model {pointer.version} can't be used: {error!r}") from error


def sha256(data: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, indent=1).encode()


def _fitting(forest: Forest) -> Forest:
    if forest.n_features != len(FEATURES):
        raise ValueError(f"its forest takes {forest.n_features} features, not {len(FEATURES)}")
    return forest


def _of_features(values: Part) -> tuple[float, ...]:
    numbers = tuple(value.number() for value in values.entries())
    if len(numbers) != len(FEATURES):
        values.refuse(f"has {len(numbers)} numbers, not one for each of {len(FEATURES)} features")
    return numbers


def _positive(value: Part) -> float:
    number = value.number()
    if not number > 0:
        value.refuse(f"is {number!r}, not a positive number")
    return number
