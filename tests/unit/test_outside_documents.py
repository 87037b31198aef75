"""Documents from outside a process are read in one place: `petrostream.documents`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from petrostream.settings import PROJECT_ROOT
from tests.unit.test_architecture import modules

PARSERS = {"json.load", "json.loads", "json.JSONDecoder", "tomllib.load", "tomllib.loads"}
MODULES = {"json", "tomllib"}
ALLOWED = {
    "petrostream/documents.py": "it is the strict reader",
    "petrostream/local/execution.py": "what the handler answered, written and read in one line: "
    "Lambda gives answers as JSON, too",
    "petrostream/local/patches/s3.py": "a policy that moto has taken in and judges by",
    "petrostream/local/patches/sqs.py": "a policy that moto has taken in and gives back",
    "dashboard/sql/object_files.py": "what the dashboard, its parent, lists",
    "dashboard/sql/query_process.py": "what the dashboard, its parent, asks",
    "ml/evaluation/command.py": "a document that this very process wrote",
    "ml/train_and_publish.py": "a document that this very process wrote",
}


def parses(path: Path) -> Iterator[str]:
    """Where a module parses JSON or TOML by itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name in PARSERS or node.attr in {"read_json", "literal_eval", "from_dict"}:
                yield name
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield f"from {node.module}"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "json"
        ):
            yield ast.unparse(node)


def test_only_the_strict_reader_parses() -> None:
    found = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in modules()
        if any(True for _ in parses(path))
    }
    assert found == ALLOWED.keys()
