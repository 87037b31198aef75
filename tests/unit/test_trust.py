"""Invariant 5: nothing unpickles, evaluates or trusts what a producer uploaded."""

import ast
from pathlib import Path

import pytest

from deploy import image
from petrostream.settings import PROJECT_ROOT
from tests.support.emulator import build_context

LAMBDA_CODE = [path for path in image.sources() if path.suffix == ".py"]
ARRAY_FILES = {"load", "save", "write_array", "read_array"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "subprocess"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def test_every_module_that_the_image_holds_is_looked_at() -> None:
    domain = set((PROJECT_ROOT / "petrostream").rglob("*.py"))
    embedded = set((PROJECT_ROOT / "petrostream" / "local").rglob("*.py"))
    packed = {PROJECT_ROOT / path for path in build_context() if path.suffix == ".py"}
    assert packed == (domain - embedded) | {PROJECT_ROOT / "lambda" / "app.py"}
    assert set(LAMBDA_CODE) == packed


@pytest.mark.parametrize(
    "path", LAMBDA_CODE, ids=lambda path: path.relative_to(PROJECT_ROOT).as_posix()
)
def test_the_lambdas_code_cannot_execute_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            check_call(node)


def check_call(call: ast.Call) -> None:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if isinstance(call.func, ast.Name):
        assert name not in FORBIDDEN_CALLS
    if name in ARRAY_FILES and ast.unparse(call).startswith("np."):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert keywords.get("allow_pickle") == "False", ast.unparse(call)
