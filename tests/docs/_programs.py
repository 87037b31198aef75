"""What there is to name: make's targets and variables, `petrostream`'s verbs, modules, files."""

import importlib.util
import re
from functools import cache
from typing import Final

import click

from cli.main import program
from petrostream.settings import PROJECT_ROOT

_MAKEFILE: Final = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
CODE: Final = ("petrostream", "console", "cli", "producer", "ml", "dashboard", "demo", "deploy")


def make_targets() -> set[str]:
    """Targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", _MAKEFILE, re.MULTILINE))


def make_variables() -> set[str]:
    """Variables that a user may set."""
    return set(re.findall(r"^([A-Z_]+) \?=", _MAKEFILE, re.MULTILINE))


@cache
def verbs() -> dict[str, set[str]]:
    """Each verb of `petrostream` with its options."""
    return {
        name: {
            option
            for parameter in command.params
            if isinstance(parameter, click.Option)
            for option in parameter.opts
        }
        for name, command in program.commands.items()
    }


def is_command(module: str) -> bool:
    """Whether `python -m <module>` runs something."""
    try:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{module}.__main__")
    except ModuleNotFoundError:
        return False
    return spec is not None


def names_something(dotted: str) -> bool:
    """Whether a dotted name is a module, or stands in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        path = PROJECT_ROOT.joinpath(*parts[:length])
        rest = parts[length:]
        if path.is_dir() and not rest:
            return True
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if module.is_file():
            text = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{re.escape(name)}\b", text) for name in rest)
    return False


@cache
def environment_variables() -> set[str]:
    """Names of environment variables that the code or its settings make."""
    folders = [*CODE, "lambda", "tests"]
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in (PROJECT_ROOT / folder).rglob("*.py")
    )
    settings = re.findall(r"^    (\w+): str = \"\"$", text, re.MULTILINE)
    named = re.findall(r"\bvariable\(\"(\w+)\"\)", text)
    plain = re.findall(r"\bPETROSTREAM_[A-Z_]+\b", text)
    return {*plain, *(f"PETROSTREAM_{name.upper()}" for name in [*settings, *named])}
