"""What a command found or did: sentences for people, and one JSON object for programs."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, TextIO

from petrostream.errors import without_passwords


@dataclass(frozen=True, slots=True)
class Answer:
    """The facts behind a command's sentences, JSON-ready, and its exit code."""

    facts: Mapping[str, Any]
    code: int = 0


def give(work: Callable[[], Answer | int], *, as_json: bool) -> int:
    """Do a command's work; gives its exit code.

    With `as_json` the facts are the only thing on standard output, in one line: what the work
    says there goes to standard error.
    """
    if not as_json:
        found = work()
        return found.code if isinstance(found, Answer) else found
    with redirect_stdout(sys.stderr):
        found = work()
    if not isinstance(found, Answer):
        return found
    text = json.dumps(found.facts, allow_nan=False)
    sys.stdout.write(f"{without_passwords(text)}\n")
    return found.code


def child_output() -> TextIO | None:
    """What a child process that speaks for a command gets as its standard output.

    `None` lets it have this process's own.
    """
    return sys.__stderr__ if sys.stdout is sys.stderr else None
