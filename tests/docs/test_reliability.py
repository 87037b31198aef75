"""Every promise is held by tests that are there."""

import re
from pathlib import Path

import pytest

from tests.docs._documents import document

PAGE = document("docs/reliability.md")
ROWS = re.findall(r"^\| (?!promise|-)([^|]+) \| ([^|]+) \|", PAGE.text, re.MULTILINE)
HELD_BY = [
    (name, (PAGE.path.parent / target).resolve())
    for _promise, tests in ROWS
    for name, target in re.findall(r"\[`(\w+)`\]\(([^)]+)\)", tests)
]


def test_every_promise_names_a_test() -> None:
    assert len(ROWS) > 10
    for promise, tests in ROWS:
        assert re.search(r"\[`test_\w+`\]\(\.\./tests/[^)]+\.py\)", tests), promise


@pytest.mark.parametrize(("name", "path"), HELD_BY, ids=lambda each: getattr(each, "stem", each))
def test_the_test_is_there(name: str, path: Path) -> None:
    assert re.search(rf"^def {name}\(", path.read_text(), re.MULTILINE), f"{path} has no {name}"
