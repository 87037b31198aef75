"""The settings file of engineering limits, and publishing it with the current model."""

import argparse
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Final

from petrostream.detection.engineering_limits import Limits
from petrostream.errors import UsageError
from petrostream.registry.model_files import pack
from petrostream.registry.models import ModelRegistry
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
        return Limits.of(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the limits can't be read from {path}: {error}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `limits`."""
    parser.add_argument("file", type=Path, nargs="?", default=LIMITS_FILE)


def publish_limits(registry: ModelRegistry, path: Path) -> int:
    """Publish the current model again with the limits of a file.

    Its evaluation goes along; it names the model that was evaluated.
    """
    limits = read_limits(path)
    current = registry.load(registry.pointer())
    packed = pack(replace(current.detector, limits=limits), current.training)
    if packed.pointer.version == current.version:
        sys.stdout.write(f"model {current.version} has these limits already\n")
        return 0
    registry.publish(packed)
    evaluation = registry.evaluation(current.version)
    if evaluation is not None:
        registry.attach(packed.pointer.version, evaluation)
    sys.stdout.write(
        f"published model {packed.pointer.version}: model {current.version} with the limits of "
        f"{path.name}; it is now the current one\n"
    )
    return 0
