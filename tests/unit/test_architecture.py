"""One name, one thing: no class or type is called as another one, in any package."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from petrostream.settings import PROJECT_ROOT

PACKAGES = (
    "petrostream",
    "console",
    "cli",
    "producer",
    "ml",
    "dashboard",
    "deploy",
    "demo",
    "lambda",
)


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((PROJECT_ROOT / package).rglob("*.py"))


def types_of(tree: ast.Module) -> Iterator[str]:
    """Names of the classes, and of what is assigned to a name in CamelCase."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                yield target.id


def test_no_two_types_have_the_same_name() -> None:
    where = defaultdict(set)
    for path in modules():
        for name in types_of(ast.parse(path.read_text())):
            where[name].add(path.relative_to(PROJECT_ROOT).as_posix())
    assert len(where) > 150, "it has looked at the packages"
    assert {name: sorted(paths) for name, paths in where.items() if len(paths) > 1} == {}


def test_no_folder_holds_more_than_fifteen_modules() -> None:
    number = defaultdict(int)
    for path in modules():
        number[path.parent.relative_to(PROJECT_ROOT).as_posix()] += path.name != "__init__.py"
    assert {folder: many for folder, many in number.items() if many > 15} == {}
