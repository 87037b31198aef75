"""The examples in docstrings give what they say."""

import doctest
import importlib

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.docs._programs import CODE

MODULES = [
    ".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts)
    for folder in CODE
    for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed
