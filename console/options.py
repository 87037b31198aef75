"""Kinds of option values, and the options that several commands have."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

_JSON_WANTED: Final = "petrostream.json"
STANDARD_OUTPUT: Final = "-"
_Function = TypeVar("_Function", bound=Callable[..., Any])

PATH: Final = click.Path(path_type=Path)


class Number(click.ParamType[int | float]):
    """A number from a least to a most value, both included."""

    name = "N"

    def __init__(
        self, kind: type[int] | type[float], least: float = -math.inf, most: float = math.inf
    ) -> None:
        self._kind, self._least, self._most = kind, least, most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """Read the number."""
        try:
            number = self._kind(value)
        except ValueError:
            number = math.nan
        if not self._least <= number <= self._most or abs(number) == math.inf:
            self.fail(f"takes {self._described()}, not {value!r}", param, ctx)
        return number

    def _described(self) -> str:
        what = "a whole number" if self._kind is int else "a number"
        if math.isinf(self._least):
            return what
        if self._kind is int and (self._least, self._most) == (1, math.inf):
            return f"{what} above 0"
        upwards = f"{what} from {self._least:g}"
        return f"{upwards} on" if math.isinf(self._most) else f"{upwards} to {self._most:g}"


WHOLE: Final = Number(int)
COUNT: Final = Number(int, 1)
AMOUNT: Final = Number(float, 0)


class NameList(click.ParamType[tuple[Any, ...]]):
    """Names with commas between, of those that are allowed where there are any."""

    name = "A,B,…"

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = allowed

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Split the list; empty names are left out, and one at least must be there."""
        if isinstance(value, tuple):
            return value
        names = tuple(name for name in (part.strip() for part in str(value).split(",")) if name)
        if not names or (self._allowed and not set(names) <= set(self._allowed)):
            known = f" of {', '.join(self._allowed)}" if self._allowed else ""
            self.fail(f"takes names{known} with commas between, not {value!r}", param, ctx)
        return names


class Classes(NameList):
    """Event classes of 3W with commas between."""

    name = "0,1,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the numbers."""
        try:
            return tuple(int(name) for name in super().convert(value, param, ctx))
        except ValueError:
            self.fail(f"takes class numbers with commas between, not {value!r}", param, ctx)


class OneOf(click.Choice[str]):
    """One of a few words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take one of the words."""
        if value not in self.choices:
            few = len(self.choices) == len(("this", "that"))
            words = " or ".join(self.choices) if few else f"one of {', '.join(self.choices)}"
            self.fail(f"is {words}, not {value!r}", param, ctx)
        return str(value)


@dataclass(frozen=True, slots=True)
class Later:
    """A default that is looked up where it is defined, and only once it is needed.

    Modules of commands are imported for help and completion, so they import nothing that is slow.
    `shown` is what help says of it, where the value itself says too little.
    """

    find: Callable[[], object]
    shown: str = ""

    def __call__(self) -> object:
        """Give the default."""
        return self.find()

    def __str__(self) -> str:
        return self.shown or str(self.find())


def shown_as(words: str, value: object = None) -> dict[str, Any]:
    """The settings of an option whose default help says in words."""
    return {"default": Later(lambda: value, words), "show_default": True}


def json_option(function: _Function) -> _Function:
    """Add `--json`: the command's answer as one object on standard output."""
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_want_json,
        help="answer with one JSON object on standard output, say the rest on standard error",
    )(function)


def json_file_option(function: _Function) -> _Function:
    """Add `--json [FILE]`, passed on as `json_file`: a path, or `-` for standard output."""
    return click.option(
        "--json",
        "json_file",
        is_flag=False,
        flag_value=STANDARD_OUTPUT,
        metavar="[FILE]",
        callback=_want_json_file,
        help="write the figures as JSON; without FILE on standard output, and nothing else there",
    )(function)


def json_is_wanted(ctx: click.Context) -> bool:
    """Whether `--json` asks for the answer on standard output."""
    return bool(ctx.meta.get(_JSON_WANTED))


def _want_json(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    ctx.meta[_JSON_WANTED] = value is True or value == STANDARD_OUTPUT
    return value


def _want_json_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and Path(value).is_dir():
        raise click.BadParameter(
            f"takes a file, and {value} is a folder: write `--json {STANDARD_OUTPUT}` for "
            "standard output",
            ctx,
            param,
        )
    wanted: str | None = _want_json(ctx, param, value)
    return wanted
