"""The settings file of engineering limits, and publishing it with the current model."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from console.answers import Answer
from console.speech import say
from petrostream.detection.engineering_limits import BOUNDS, Limits
from petrostream.documents import read_toml
from petrostream.errors import UsageError, reason_of
from petrostream.registry.model_files import pack
from petrostream.registry.models import find_registry
from petrostream.settings import PROJECT_ROOT

LIMITS_FILE: Final = PROJECT_ROOT / "limits.toml"


def read_limits(path: Path) -> Limits:
    """Read a settings file.

    Raises
    ------
    UsageError
        If it is not there, or holds something else than limits.
    """
    try:
        document = read_toml(path.read_bytes(), str(path), error=UsageError, bounds=BOUNDS)
        return Limits.of(document.table())
    except OSError as error:
        raise UsageError(f"the limits can't be read from {path}: {reason_of(error)}") from error
    except UsageError as error:
        raise UsageError(
            f"{error}: limits stand in a TOML file, as in {LIMITS_FILE.name}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def publish_limits(path: Path) -> Answer:
    """Publish the current model again with the limits of a file.

    Its evaluation goes along; it names the model that was evaluated.

    Raises
    ------
    UsageError
        If the file can't be read, or holds something else than limits.
    """
    limits = read_limits(path)
    registry = find_registry()
    current = registry.load(registry.pointer())
    packed = pack(replace(current.detector, limits=limits), current.training)
    version = packed.pointer.version
    is_new = version != current.version
    if is_new:
        registry.publish(packed)
        evaluation = registry.evaluation(current.version)
        if evaluation is not None:
            registry.attach(version, evaluation)
        say(
            f"published model {version}: model {current.version} with the limits of {path.name}; "
            "it is now the current one"
        )
    else:
        say(f"model {version} has these limits already")
    return Answer({"model": version, "published": is_new, "before": current.version})
