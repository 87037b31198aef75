"""Whatever the documentation names is there: commands, options, variables, files, links."""

import ast
import importlib
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.docs._documents import Document, document, documents
from tests.docs._programs import (
    CODE,
    environment_variables,
    is_command,
    make_targets,
    make_variables,
    names_something,
    verbs,
)

DOCUMENTS = documents()
FOLDERS = {*CODE, "lambda", "docs", "tests", "infrastructure", "requirements", ".github", ".ci"}
SUFFIXES = (".py", ".tf", ".sh", ".toml", ".md")
"""What a file of this repository is named with; Parquet, JSON and npz are mostly data."""
EACH = pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
OTHERS = {"--families", "--every"}
"""Options of measurements, which are no verbs."""
SCRIPTS = {"./project_up.sh": "up", "./project_down.sh": "down"}
MADE = {
    "dashboard/views/recordings/__init__.py",
    "dashboard/views/recordings/page.py",
    "tests/integration/dashboard/test_recordings.py",
    ".venv/bin/petrostream",
    "infrastructure/terraform.tfstate",
    "infrastructure/terraform.tfvars",
    "petrostream.pbids",
}
"""What is there once somebody has made it."""


def missing(names: Iterable[str], there: Iterable[str]) -> set[str]:
    return set(names) - set(there)


def test_every_page_is_looked_at() -> None:
    names = {page.name for page in DOCUMENTS}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} < names
    assert {"docs/README.md", "docs/decisions/README.md", "infrastructure/README.md"} < names


@EACH
def test_links_and_pictures_lead_somewhere(page: Document) -> None:
    for link in page.links:
        target, _hash, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in Document(path).anchors, f"{link}: there is no such heading"


@EACH
def test_make_targets_and_variables_exist(page: Document) -> None:
    for command in page.commands:
        words = re.sub(r"\"[^\"]*\"|'[^']*'", "", command).split()
        if words and words[0] == "make":
            named = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
            assert not missing(named, make_targets()), command
        if words and (words[0] == "make" or re.fullmatch(r"[A-Z_]+=\S*", command)):
            given = [word.partition("=")[0] for word in words if re.match(r"[A-Z_]+=", word)]
            known = make_variables() | environment_variables()
            assert not missing(given, known), command


@EACH
def test_verbs_and_their_options_exist(page: Document) -> None:
    for command in page.commands:
        program, _space, rest = command.partition(" ")
        if program in SCRIPTS:
            check_call(command, SCRIPTS[program])
        elif program in {"petrostream", ".venv/bin/petrostream"} and rest:
            check_call(command, rest.split()[0])


def check_call(command: str, verb: str) -> None:
    general = {"--help", "--version", "-h"}
    if verb in general or not re.fullmatch(r"[a-z]+", verb):
        return
    assert verb in verbs(), command
    assert not missing(OPTION.findall(command), verbs()[verb] | general), command


@EACH
def test_options_by_themselves_are_of_some_verb(page: Document) -> None:
    named = [span for span in page.spans if span.startswith("--")]
    if named:
        known = set().union(*verbs().values()) | OTHERS | {"--help", "--version"}
        found = {option for span in named for option in OPTION.findall(span)}
        assert not missing(found, known)


@EACH
def test_modules_that_are_run_exist(page: Document) -> None:
    for command in page.commands:
        for module in re.findall(r"\bpython -m ([\w.]+)", command):
            assert is_command(module), command


@EACH
def test_environment_variables_are_read_somewhere(page: Document) -> None:
    named = re.findall(r"\bPETROSTREAM_[A-Z_]+\b", page.text)
    assert not missing(named, environment_variables())


@EACH
def test_files_and_modules_exist(page: Document) -> None:
    for span in page.spans:
        assert is_there(span, page.path.parent), f"there is no {span}"


def is_there(span: str, folder: Path) -> bool:
    """Whether what looks like a file, folder or dotted name of this repository is one."""
    if span in MADE or re.search(r"[\s<>*…${}=(]", span):
        return True
    if re.fullmatch(rf"(?:{'|'.join((*CODE, 'tests'))})(?:\.\w+)+", span):
        return names_something(span) or (PROJECT_ROOT / span).exists()
    first, slash, _rest = span.removeprefix("./").partition("/")
    if slash and (first in FOLDERS or span.startswith("./")):
        return (PROJECT_ROOT / span).exists() or (folder / span).exists()
    if span.endswith(SUFFIXES) and not span.startswith("."):
        return any(True for _ in find(Path(span).name, folder))
    return True


def find(name: str, folder: Path) -> Iterable[Path]:
    if (folder / name).exists() or (PROJECT_ROOT / name).exists():
        yield folder / name
    for top in (*CODE, "lambda", "tests", "infrastructure", "docs", "requirements"):
        yield from (PROJECT_ROOT / top).rglob(name)


def test_the_suites_of_tests_are_those_of_the_repository() -> None:
    named = re.findall(r"^\| `tests/(\w+)/` \|", document("CONTRIBUTING.md").text, re.MULTILINE)
    assert sorted(named) == sorted(suites())


def suites() -> set[str]:
    """Folders of tests."""
    names = {path.name for path in (PROJECT_ROOT / "tests").iterdir() if path.is_dir()}
    return {name for name in names if not name.startswith((".", "_"))}


@EACH
def test_what_examples_import_exists(page: Document) -> None:
    for module, name in imports(page):
        if not is_made(module, name):
            assert has(module, name), f"there is no {name or 'module'} in {module}"


def is_made(module: str, name: str) -> bool:
    """Whether it is what the walk-through makes."""
    made = f"{module}.{name}".replace(".", "/")
    return bool({f"{made}.py", f"{module.replace('.', '/')}.py"} & MADE)


def imports(page: Document) -> Iterable[tuple[str, str]]:
    """Modules that the page's blocks of Python import, each with a name imported from it."""
    for example in page.examples("python"):
        for node in ast.walk(ast.parse(textwrap.dedent(example))):
            if isinstance(node, ast.Import):
                yield from ((each.name, "") for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((str(node.module), each.name) for each in node.names)


def has(module: str, name: str) -> bool:
    """Whether a module can be imported, and a name from it."""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    return not name or hasattr(found, name) or has(f"{module}.{name}", "")


def test_every_verb_is_documented_with_each_of_its_options() -> None:
    page = document("docs/commands.md")
    for verb, options in verbs().items():
        section = re.sub(rf"`petrostream (?!{verb}\b)[^`]*`", "", page.section(verb))
        assert f"`petrostream {verb}" in section, f"{verb} has no section of its own"
        named = set(OPTION.findall(section))
        if "(#up)" in section:
            named |= {"--target", "--infrastructure", "--yes", "--json"}
        lacking = {one for one in options if one.startswith("--")} - named - {"--help"}
        assert not lacking, f"{verb} lacks {lacking}"
        assert not named - options - {"--help"}, f"{verb} has no {named - options}"


def test_every_make_target_is_documented() -> None:
    section = document("docs/commands.md").section("make")
    assert not missing(make_targets(), re.findall(r"`make ([a-z-]+)`", section))


def test_the_tree_of_folders_is_that_of_the_repository() -> None:
    tree = document("docs/architecture.md").section("Rooms").split("```")[1]
    named, top = set(), ""
    for line in tree.strip().splitlines():
        if inner := re.match(r"[├└]── (\w+)/", line):
            named.add(f"{top}/{inner[1]}")
        elif outer := re.match(r"(\w+)/", line):
            top = outer[1]
            named.add(top)
    for name in named:
        assert (PROJECT_ROOT / name).is_dir(), f"there is no {name}/"
    code = [path for folder in CODE for path in (PROJECT_ROOT / folder).rglob("*.py")]
    rooms = {"/".join(path.relative_to(PROJECT_ROOT).parts[:-1][:2]) for path in code}
    assert not rooms - named
    assert {name for name in named if name.startswith("tests/")} == {
        f"tests/{name}" for name in suites()
    }
