"""Settings: names of buckets and the like, from the environment or from the stack that is up.

Which AWS is talked to is decided by the usual AWS variables alone (`AWS_ENDPOINT_URL`, keys,
region). `make up` writes them, with the names of what it made, into one stack file; a command
takes that file's environment unless its own environment already names the buckets.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from petrostream.errors import SettingsError

PREFIX: Final = "PETROSTREAM_"
PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of the resources, each from the variable `PETROSTREAM_<NAME>`."""

    raw_bucket: str = ""
    curated_bucket: str = ""
    models_bucket: str = ""
    model_parameter: str = ""
    topic_arn: str = ""
    queue_url: str = ""
    dead_letter_queue_url: str = ""

    @classmethod
    def load(cls, *required: str, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings and insist on those that the caller needs.

        Raises
        ------
        SettingsError
            If a required one is not set.
        """
        source = os.environ if environment is None else environment
        settings = cls(
            **{field.name: source.get(variable(field.name), "") for field in fields(cls)}
        )
        missing = [variable(name) for name in required if not getattr(settings, name)]
        if missing:
            raise SettingsError(
                f"{', '.join(missing)} not set: start a stack with `make up`, or set the "
                "variables by hand"
            )
        return settings

    def to_environment(self) -> dict[str, str]:
        """The variables that `load` reads these settings back from."""
        return {
            variable(field.name): getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name)
        }


def variable(name: str) -> str:
    """Name of the environment variable of a setting."""
    return PREFIX + name.upper()


def state_folder() -> Path:
    """Folder of everything that the local commands keep; `make clean` removes it."""
    return Path(os.environ.get(f"{PREFIX}STATE", PROJECT_ROOT / ".petrostream"))


def stack_file() -> Path:
    """The one file that says which stack is up."""
    return state_folder() / "stack.json"


def read_stack() -> dict[str, Any] | None:
    """Read the stack file; `None` where no stack is up.

    Raises
    ------
    SettingsError
        If there is a file but it can't be read.
    """
    path = stack_file()
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} can't be read ({error}): run `make down`, then `make up`"
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("environment"), dict):
        raise SettingsError(f"{path} is not a stack file: run `make down`, then `make up`")
    return document


def use_stack() -> None:
    """Take the environment of the stack that is up, unless the caller's names the buckets."""
    if os.environ.get(variable("raw_bucket")):
        return
    stack = read_stack()
    if stack is not None:
        os.environ.update({str(name): str(value) for name, value in stack["environment"].items()})
