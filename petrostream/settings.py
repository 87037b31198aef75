"""Settings: names of buckets and the like, from the environment or from the stack that is up.

Which AWS is talked to is decided by the usual AWS variables alone (`AWS_ENDPOINT_URL`, keys,
region). `petrostream up` writes the names of what it made into one stack file a target; a command
takes that file's environment unless its own environment already names the buckets.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from petrostream.documents import Bounds, Part, read_json
from petrostream.errors import SettingsError, reason_of
from petrostream.files import write_whole

PREFIX: Final = "PETROSTREAM_"
LOCAL: Final = "local"
AWS: Final = "aws"
TARGETS: Final = (LOCAL, AWS)
"""Where a stack can be up: the embedded AWS of this machine, or an account."""
_ENDPOINT: Final = "AWS_ENDPOINT_URL"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BOUNDS: Final = Bounds(size=1024 * 1024, values=20_000)
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
    retries_queue_url: str = ""
    dead_letter_queue_url: str = ""
    function_name: str = ""
    catalog: str = ""

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
                f"{', '.join(missing)} not set: start a stack with `petrostream up`, or set the "
                "variables by hand"
            )
        return settings

    @property
    def work_queue_urls(self) -> tuple[str, ...]:
        """The queues whose messages are to be worked on: first what came, then what is tried alone.

        A stack that an older version made has only one.
        """
        return tuple(filter(None, (self.queue_url, self.retries_queue_url)))

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


def stack_file(target: str = LOCAL) -> Path:
    """The one file that says what `petrostream up` made on a target."""
    return state_folder() / f"{target}.json"


def read_stack(target: str = LOCAL) -> dict[str, Any] | None:
    """Read a target's stack file; `None` where no stack is up there.

    Raises
    ------
    SettingsError
        If there is a file but it can't be read.
    """
    path = stack_file(target)
    again = f"run `petrostream down{_on(target)}`, then `petrostream up{_on(target)}`"
    try:
        return _stack(read_json(path.read_bytes(), str(path), error=SettingsError, bounds=_BOUNDS))
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise SettingsError(
            f"{state_folder()} is no folder: name another one in {variable('state')}"
        ) from error
    except OSError as error:
        raise SettingsError(f"{path} can't be read ({reason_of(error)}): {again}") from error
    except SettingsError as error:
        raise SettingsError(f"{error}: {again}") from error


def _stack(document: Part) -> dict[str, Any]:
    """A stack file's contents, with the parts that commands take from it of the types they take."""
    environment = document["environment"]
    for name, value in environment.fields():
        if not _VARIABLE.fullmatch(name) or "\0" in value.text():
            value.refuse("is no environment variable")
    if (endpoint := environment.get(_ENDPOINT)) is not None and not _is_address(endpoint.text()):
        endpoint.refuse("is no address such as http://127.0.0.1:4566")
    found: dict[str, Any] = {"processes": {}, "outputs": {}}
    if (processes := document.get("processes")) is not None:
        for _, process in processes.fields():
            process["pid"].whole(1, 2**31 - 1)
            process["created"].number()
    if (outputs := document.get("outputs")) is not None:
        outputs.table()
    return found | document.table()


def _is_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return bool(address.scheme and address.hostname) and address.port != 0
    except ValueError:
        return False


def write_stack(stack: dict[str, Any], target: str = LOCAL) -> None:
    """Write a stack file in one step, readable by its owner alone."""
    path = stack_file(target)
    write_whole(path, json.dumps(stack, indent=1).encode(), mode=0o600)


def use_stack() -> None:
    """Take the environment of the stack that is up, unless the caller's names the buckets.

    `PETROSTREAM_TARGET` says which; without it the local one comes before the one on AWS.

    Raises
    ------
    SettingsError
        If the target is none, or its stack file can't be read.
    """
    if not os.environ.get(variable("raw_bucket")):
        os.environ.update(stack_environment())


def stack_environment() -> dict[str, str]:
    """The environment of the stack that is up; empty where none is.

    Raises
    ------
    SettingsError
        If the target is none, or its stack file can't be read.
    """
    wanted = os.environ.get(variable("target"))
    if wanted and wanted not in TARGETS:
        raise SettingsError(f"{variable('target')} is {' or '.join(TARGETS)}, not {wanted!r}")
    stacks = (read_stack(target) for target in ((wanted,) if wanted else TARGETS))
    stack = next(filter(None, stacks), None)
    environment = stack["environment"] if stack else {}
    return {str(name): str(value) for name, value in environment.items()}


def _on(target: str) -> str:
    return "" if target == LOCAL else f" --target {target}"
