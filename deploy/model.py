"""A model for a platform that has none: messages would wait, and end in the dead-letter queue."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from console.answers import child_output
from console.exits import EXIT_PARTIAL
from console.speech import say
from petrostream.aws.buckets import Bucket
from petrostream.errors import ModelNotReady, PetroStreamError
from petrostream.ingest.recordings import find_recordings
from petrostream.registry.models import ModelRegistry
from petrostream.settings import PROJECT_ROOT, Settings, state_folder, variable

_MOST_TRAINED_ON: Final = 120


class TrainingFailed(PetroStreamError):
    """No model could be trained and published; the step has said why itself."""


def current_version(settings: Settings) -> str | None:
    """The version of the model that is published; `None` where none is."""
    registry = ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)
    try:
        return registry.pointer().version
    except ModelNotReady:
        return None


def check_data(data: Path | None) -> None:
    """Make sure that there is something to train on, where the user named a folder."""
    if data is not None:
        find_recordings(data)


def ensure(settings: Settings, target: str, data: Path | None) -> bool:
    """Train and publish a model unless there is one; tell whether that was needed."""
    version = current_version(settings)
    if version is not None:
        say(f"model {version} is published already")
        return False
    if data is None:
        say("no model is published: training one on made-up wells (--data <folder> for real ones)")
        data = state_folder() / "synthetic"
        _step(["producer", "synthesise", f"--into={data}"], target)
    else:
        say(f"no model is published: training one on {data}")
    _step(["ml", "train", str(data), f"--limit={_MOST_TRAINED_ON}"], target)
    return True


def _step(module: Sequence[str], target: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=PROJECT_ROOT,
        env={**os.environ, variable("target"): target},
        stdout=child_output(),
        check=False,
    )
    if finished.returncode not in (0, EXIT_PARTIAL):
        raise TrainingFailed(
            f"`petrostream {module[1]}` failed; `petrostream up --target {target} --data <folder>` "
            "tries again"
        )
