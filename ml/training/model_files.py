"""A trained model's files in a folder: the three of the model, and its evaluation."""

from io import BytesIO
from pathlib import Path
from typing import Final

import joblib

from ml.training.fit import Trained
from petrostream.errors import PermanentError, UsageError, reason_of
from petrostream.evaluation.document import from_json
from petrostream.files import write_whole
from petrostream.registry.model_files import (
    EVALUATION_NAME,
    FOREST_NAME,
    MANIFEST_NAME,
    PackedModel,
    Pointer,
    sha256,
    unpack,
)
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.stored_forms import MANIFEST

JOBLIB_NAME: Final = "model.joblib"


def write_model(trained: Trained, packed: PackedModel, folder: Path) -> dict[str, bytes]:
    """Write `model.joblib` (for the analyst), `forest.npz` and `model.json`.

    An evaluation that lies there is of an earlier model, and is removed.
    """
    sink = BytesIO()
    joblib.dump(trained.forest, sink, compress=3)
    contents = {
        JOBLIB_NAME: sink.getvalue(),
        FOREST_NAME: packed.forest,
        MANIFEST_NAME: packed.manifest,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / EVALUATION_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"the model can't be written into {folder}: {reason_of(error)}") from error
    for name, body in contents.items():
        write_file(folder, name, body)
    return contents


def write_file(folder: Path, name: str, body: bytes) -> None:
    """Write one of the files; an earlier one stays where there is no room.

    Raises
    ------
    UsageError
        If it can't be written.
    """
    try:
        write_whole(folder / name, body)
    except OSError as error:
        raise UsageError(f"{name} can't be written into {folder}: {reason_of(error)}") from error


def read_model(folder: Path) -> PackedModel:
    """Read a trained model's files and check that they belong together.

    Raises
    ------
    UsageError, InvalidModel
        If they are not there, or do not fit.
    """
    try:
        manifest = (folder / MANIFEST_NAME).read_bytes()
        forest = (folder / FOREST_NAME).read_bytes()
        version = MANIFEST.read(manifest)["version"].text(NAME_PATTERN)
    except (OSError, PermanentError) as error:
        reason = reason_of(error)
        if isinstance(error, FileNotFoundError):
            reason = f"there is no {Path(error.filename).name} in it"
        raise UsageError(
            f"{folder} holds no trained model ({reason}): make one with `petrostream train`"
        ) from error
    packed = PackedModel(Pointer(version, sha256(manifest)), manifest, forest)
    unpack(packed.pointer, manifest, forest)
    return packed


def read_evaluation(folder: Path) -> bytes | None:
    """Read the evaluation beside a trained model; `None` where there is none.

    Raises
    ------
    UsageError, InvalidEvaluation
        If it can't be read.
    """
    path = folder / EVALUATION_NAME
    try:
        body = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {reason_of(error)}") from error
    if body is not None:
        from_json(body)
    return body
