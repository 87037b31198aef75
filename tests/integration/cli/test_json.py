"""`--json`: one object on standard output, whatever else a command says."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel
from petrostream.settings import write_stack
from tests.support.pages import QUIET, WELL
from tests.support.pipeline import Scoring


class Program:
    """`petrostream` with `--json`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def ask(self, *arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
        """The one object of its answer, and what it says beside."""
        assert main([*arguments, "--json"]) == code
        said = self._capsys.readouterr()
        [line] = said.out.splitlines()
        facts = json.loads(line)
        assert isinstance(facts, dict)
        return facts, said.err


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


def test_data(provisioned, recordings: list[Recording], tmp_path: Path, program: Program) -> None:
    made, said = program.ask("synthesise", "--wells=2", "--hours=1", f"--into={tmp_path / 'made'}")
    assert f"2 recordings, {made['rows']:,} rows" in said
    assert [Path(one["file"]).is_file() for one in made["recordings"]] == [True, True]
    (tmp_path / "made" / "0" / "WELL-00001_20170201010207.parquet").write_bytes(b"no Parquet")
    replayed, said = program.ask("replay", str(tmp_path / "made"), "--speed=max", code=3)
    assert (replayed["recordings"], replayed["rows"], replayed["problems"]) == (2, made["rows"], 1)
    assert "not read: " in said and "replayed 2 recordings" in said


def test_models(provisioned, wells: Path, tmp_path: Path, program: Program) -> None:
    none, said = program.ask("list")
    assert none == {"current": None, "models": []} and "no model is published yet" in said
    first, second = (
        program.ask("train", str(wells), "--no-evaluation", "--trees=5", *options)[0]
        for options in (
            (f"--into={tmp_path / 'first'}", "--seed=1"),
            (f"--into={tmp_path / 'second'}", "--seed=2", "--no-publish"),
        )
    )
    assert (first["published"], second["published"]) == (True, False)
    assert (first["recordings"], first["evaluation"]) == (6, None)
    published, said = program.ask("publish", str(tmp_path / "second"))
    assert published == {"model": second["model"], "evaluated": False}
    assert f"published model {second['model']}" in said
    assert program.ask("rollback")[0] == {"model": first["model"]}
    models, _ = program.ask("list")
    assert models == {"current": first["model"], "models": [first["model"], second["model"]]}
    own = tmp_path / "own.toml"
    own.write_text("[sensors]\nP-TPT = { high = 2e7 }\n")
    limited, _ = program.ask("limits", str(own))
    assert limited["published"] is True
    assert limited["before"] == first["model"] != limited["model"]
    assert program.ask("limits", str(own))[0]["published"] is False


def test_upkeep(
    provisioned,
    packed: PackedModel,
    two_wells: Scoring,
    program: Program,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["drift"])
    in_words = capsys.readouterr().out
    drift, said = program.ask("drift", code=code)
    assert said == in_words
    assert drift["model"] == packed.pointer.version
    assert {"nothing": 0, "recommission": 4, "retrain": 5}[drift["advice"]] == code
    assert {well["well"] for well in drift["wells"]} == {QUIET, WELL}
    for well in drift["wells"]:
        assert well["is_beyond"] == any(sensor["is_beyond"] for sensor in well["sensors"])
        assert all(
            f"{well['well']}  {sensor['sensor']}:" in said
            for sensor in well["sensors"]
            if sensor["is_beyond"]
        )
    renewed, said = program.ask("recommission", QUIET, "--minutes=10")
    assert renewed["well"] == QUIET and renewed["in_force_from"][:10] in said
    assert renewed["sensors"]
    write_stack({"environment": provisioned.environment})
    repaired, said = program.ask("repair")
    assert repaired["written"] == 0 and repaired["batches"] > 0 and repaired["unreadable"] == []


def test_nothing_is_on_standard_output_when_it_fails(
    provisioned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollback", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: no model is published yet")
