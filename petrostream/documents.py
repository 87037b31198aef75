"""Documents from outside a process, JSON and TOML: read with bounds, and looked at by type.

Whatever somebody wrote into a message, a bucket, a parameter or a file comes through here. What
is read is of a size and depth that can be worked on, holds finite numbers and whole text, and no
name twice; what is taken from it is of the type that was asked for. Whatever else it is, there is
one answer: a sentence that says where it is wrong.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

from petrostream.errors import PermanentError, PetroStreamError

_Choice = TypeVar("_Choice", bound=StrEnum)

MOST_WHOLE: Final = 2**63 - 1
_EARLIEST: Final = datetime(1970, 1, 1)
_LATEST: Final = datetime(2200, 1, 1)
_MOST_MICROSECONDS: Final = (_LATEST - _EARLIEST) // timedelta(microseconds=1) - 1

_BOM: Final = b"\xef\xbb\xbf"
_TEXTS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""JSON's texts; one that does not end goes to the end, so that nothing is looked at twice."""
_BRACKETS: Final = re.compile(rb"[\[\]{}]")
_HARMLESS_DEPTH: Final = 200
"""So deep a document is parsed before its depth is looked at: a parser takes a thousand levels."""
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a document may be: bytes, levels of nesting, values in all, characters a text."""

    size: int = 8 * 1024 * 1024
    depth: int = 16
    values: int = 200_000
    text: int = 64 * 1024


SMALL: Final = Bounds(size=64 * 1024, depth=8, values=2_000, text=16 * 1024)
"""For documents that people or one step of a program write: a claim, a pointer, a reason."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What is read, as the subject of a sentence, and what is raised where it can't be."""

    what: str
    error: type[PetroStreamError]

    def refuse(self, fault: str) -> PetroStreamError:
        return self.error(f"{self.what} can't be read: {fault}")


@dataclass(slots=True, eq=False)
class Part:  # not frozen: it is made for each value that is read, and that takes half as long
    """A value in a document that knows where it stands.

    Every method raises the error that the document is read with where the value is not what is
    asked for; the message names its place, as in ``runs[3].start is 'x', not a whole number``.
    """

    plain: Any
    _source: _Source
    _steps: tuple[str | int, ...] = ()

    @property
    def path(self) -> str:
        """Where it stands: ``runs[3].start``; "it" is the whole document."""
        text = ""
        for step in self._steps:
            text += f"[{step}]" if isinstance(step, int) else f".{_shortened(step)}"
        return text.lstrip(".") or "it"

    def refuse(self, fault: str) -> NoReturn:
        """Raise what is raised for this document; `fault` goes on after the place."""
        raise self._source.refuse(f"{self.path} {fault}")

    def __getitem__(self, name: str) -> "Part":
        """A field that must be there."""
        table, steps = self._of(dict, "a table of fields"), (*self._steps, name)
        if name not in table:
            Part(None, self._source, steps).refuse("is missing")
        return Part(table[name], self._source, steps)

    def get(self, name: str) -> "Part | None":
        """A field, or `None` where there is none."""
        table = self._of(dict, "a table of fields")
        if name not in table:
            return None
        return Part(table[name], self._source, (*self._steps, name))

    def fields(self) -> Iterator[tuple[str, "Part"]]:
        """All fields of a table, by name."""
        for name, value in self._of(dict, "a table of fields").items():
            yield name, Part(value, self._source, (*self._steps, name))

    def table(self) -> dict[str, Any]:
        """A table of fields as it stands there, for whoever does not ask what is in it."""
        return dict(self._of(dict, "a table of fields"))

    def entries(self) -> Iterator["Part"]:
        """All entries of a list."""
        for place, value in enumerate(self._of(list, "a list")):
            yield Part(value, self._source, (*self._steps, place))

    def text(self, pattern: "re.Pattern[str] | None" = None) -> str:
        """A text; with a pattern, one that it describes as a whole."""
        found: str = self._of(str, "a text")
        if pattern is not None and pattern.fullmatch(found) is None:
            self._not(f"of the form {pattern.pattern}")
        return found

    def whole(self, least: int = -MOST_WHOLE, most: int = MOST_WHOLE) -> int:
        """A whole number within bounds."""
        found: int = self._of(int, "a whole number")
        if not least <= found <= most:
            self._not(f"a whole number from {least} to {most}")
        return found

    def number(self, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number within bounds."""
        if type(self.plain) not in (int, float):
            self._not("a number")
        found = float(self.plain)
        if not least <= found <= most:
            self._not(f"a number from {least:g} to {most:g}")
        return found

    def truth(self) -> bool:
        """True or false."""
        found: bool = self._of(bool, "true or false")
        return found

    def choice(self, choices: type[_Choice]) -> _Choice:
        """One of some words."""
        try:
            return choices(self.text())
        except ValueError:
            self._not(f"one of {', '.join(choices)}")

    def microseconds(self) -> int:
        """A time stamp as microseconds since 1970 (UTC), before the year 2200."""
        if type(self.plain) is not int or not 0 <= self.plain <= _MOST_MICROSECONDS:
            self._not("a time stamp: microseconds since 1970, before the year 2200")
        return int(self.plain)

    def moment(self) -> datetime:
        """A time as ISO 8601 writes it; UTC without a zone. One that names no zone is of UTC."""
        try:
            found = datetime.fromisoformat(self.text())
            if found.tzinfo is not None:
                found = found.astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            found = _LATEST
        if not _EARLIEST <= found < _LATEST:
            self._not("a time such as 2026-01-31T12:00:00Z, from 1970 to 2199")
        return found

    def _of(self, kind: type, name: str) -> Any:
        if type(self.plain) is not kind:
            self._not(name)
        return self.plain

    def _not(self, wanted: str) -> NoReturn:
        self.refuse(f"is {shown(self.plain)}, not {wanted}")


def read_json(
    data: bytes | str,
    what: str,
    *,
    error: type[PetroStreamError] = PermanentError,
    bounds: Bounds | None = None,
) -> Part:
    """Read a JSON document.

    Parameters
    ----------
    data
        UTF-8, or text that is decoded already.
    what
        The document, as the subject of a sentence: "the event document".
    error
        What is raised where it can't be read, here or by a part of it.
    bounds
        How large it may be.

    Raises
    ------
    PetroStreamError
        Of the kind `error`, whatever the bytes are.
    """
    source, bounds = _Source(what, error), bounds or Bounds()
    body = _bounded(data, source, bounds)
    _check_shape(body, source, bounds)
    try:
        found = json.loads(
            body.decode(), parse_constant=_no_number, object_pairs_hook=_without_doubles
        )
    except (ValueError, RecursionError) as fault:
        raise source.refuse(f"it is no JSON ({_first_line(fault)})") from fault
    return _checked(found, source, bounds)


def read_toml(
    data: bytes,
    what: str,
    *,
    error: type[PetroStreamError] = PermanentError,
    bounds: Bounds | None = None,
) -> Part:
    """Read a TOML document, as `read_json` does; one that a person wrote, if nothing else is said.

    Raises
    ------
    PetroStreamError
        Of the kind `error`, whatever the bytes are.
    """
    import tomllib  # noqa: PLC0415 - the function that scores never reads any

    source, bounds = _Source(what, error), bounds or SMALL
    body = _bounded(data, source, bounds)
    try:
        found = tomllib.loads(body.decode())
    except (ValueError, RecursionError) as fault:
        raise source.refuse(f"it is no TOML ({_first_line(fault)})") from fault
    return _checked(found, source, bounds)


def shown(value: Any) -> str:
    """A value as a sentence names it: of what is long its beginning, of what is nested its kind."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _shortened(name: str) -> str:
    text = name if name.isprintable() else ascii(name)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _bounded(data: bytes | str, source: _Source, bounds: Bounds) -> bytes:
    try:
        body = data.encode() if isinstance(data, str) else bytes(data)
        if len(body) > bounds.size:
            raise source.refuse(f"it has {len(body)} bytes, at most {bounds.size} are read")
        body.decode()
    except UnicodeError as fault:
        raise source.refuse("it is not written in UTF-8") from fault
    if body.startswith(_BOM):
        raise source.refuse("it begins with a byte order mark: save it as UTF-8 without one")
    return body


def _check_shape(body: bytes, source: _Source, bounds: Bounds) -> None:
    """Hold a JSON text against depth and number of values, before anything is made of it."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= _HARMLESS_DEPTH and body.count(b",") + opened < bounds.values:
        return
    bare = _TEXTS.sub(b"", body)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") >= bounds.values:
        raise source.refuse(f"it holds more than {bounds.values} values")
    depth = 0
    for bracket in _BRACKETS.finditer(bare):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > bounds.depth:
            raise source.refuse(f"it is nested more than {bounds.depth} levels deep")
        if depth < 0:
            return  # no JSON, which its parser says better


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        [(double, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{_shortened(double)!r} stands in it twice")
    return table


def _checked(found: Any, source: _Source, bounds: Bounds) -> Part:
    """Look at every value once, without recursion."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [([found], ())]
    seen = 0
    while waiting:
        holder, steps = waiting.pop()
        seen += len(holder)
        if seen > bounds.values:
            raise source.refuse(f"it holds more than {bounds.values} values")
        if len(steps) > bounds.depth:
            raise source.refuse(f"it is nested more than {bounds.depth} levels deep")
        for step, value in _pairs(holder):
            if isinstance(step, str) and not _is_plain(step, bounds):
                _check_text(step, Part(holder, source, steps[1:]), bounds)
            if isinstance(value, dict | list):
                waiting.append((value, (*steps, step)))
            elif not _is_plain(value, bounds):
                _check_odd(Part(value, source, (*steps, step)[1:]), bounds)
    return Part(found, source)


def _pairs(holder: Any) -> Iterable[tuple[str | int, Any]]:
    return holder.items() if isinstance(holder, dict) else enumerate(holder)


def _is_plain(value: Any, bounds: Bounds) -> bool:
    """Whether a value needs no second look, as nearly all do not."""
    kind = type(value)
    if kind is str:
        return value.isascii() and len(value) <= bounds.text
    if kind is int:
        return -MOST_WHOLE <= value <= MOST_WHOLE
    return kind is not float or math.isfinite(value)


def _check_odd(part: Part, bounds: Bounds) -> None:
    value = part.plain
    if isinstance(value, str):
        _check_text(value, part, bounds)
    elif isinstance(value, float):
        part.refuse("is not a finite number")
    elif isinstance(value, int) and not -MOST_WHOLE <= value <= MOST_WHOLE:
        part.refuse("is a whole number of more than 64 bits")


def _check_text(text: str, part: Part, bounds: Bounds) -> None:
    if len(text) > bounds.text:
        part.refuse(f"holds a text of {len(text)} characters, at most {bounds.text} are read")
    try:
        text.encode()
    except UnicodeEncodeError:
        part.refuse("holds half of a character (a lone surrogate)")


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0][:200]
