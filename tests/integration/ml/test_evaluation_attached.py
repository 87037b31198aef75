"""`petrostream train` evaluates how it made the model, and the result lies beside the model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.evaluation.command import evaluate
from ml.evaluation.instances import Instance
from petrostream.evaluation.document import Evaluation, NotEvaluated, from_json
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import EVALUATION_NAME
from petrostream.registry.models import ModelRegistry
from producer.synthesise import synthesise, write


def beside_current(registry: ModelRegistry) -> Evaluation | NotEvaluated:
    body = registry.evaluation(registry.pointer().version)
    assert body is not None
    return from_json(body)


@pytest.fixture(scope="module")
def no_limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "none.toml"
    path.write_text("")
    return path


@pytest.fixture(scope="module")
def made(wells: Path, no_limits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that was trained and evaluated."""
    folder = tmp_path_factory.mktemp("model")
    options = ["--no-publish", f"--into={folder}", f"--limits={no_limits}"]
    assert main(["train", str(wells), *options]) == 0
    return folder


@pytest.fixture
def trained(provisioned, made: Path, tmp_path: Path) -> Path:
    """The same, published."""
    folder = shutil.copytree(made, tmp_path / "model")
    assert main(["publish", str(folder)]) == 0
    return folder


def test_its_figures_are_those_of_evaluate(
    provisioned, trained: Path, recordings: list[Recording]
) -> None:
    found = beside_current(provisioned.registry)
    assert isinstance(found, Evaluation)
    figures = evaluate([Instance.of(one) for one in recordings], lambda _: None).to_json()
    assert found.wells == 6
    assert found.metrics.recordings == figures["recordings"]
    assert found.metrics.events == figures["events"] > 0
    assert found.metrics.found == figures["events_found"]
    assert found.metrics.false_alarms == figures["false_alarms"]
    assert found.metrics.normal_days == figures["normal_well_days"]
    assert found.metrics.median_delay == figures["median_detection_delay_s"]
    assert found.metrics.slow_delay == figures["p90_detection_delay_s"]
    assert found.metrics.mean_auc == figures["mean_auc"]
    assert found.metrics.rows.f1 == figures["row_f1"]
    assert {str(fault) for fault in found.by_class} - {"0"} == set(figures["by_class"])
    manifest = json.loads((trained / "model.json").read_text())
    assert found.data_sha256 == manifest["training"]["data_sha256"]
    assert found.model_version == manifest["version"]
    written = from_json((trained / EVALUATION_NAME).read_bytes())
    assert written == found


def test_it_can_be_made_for_a_model_that_has_none(
    provisioned, trained: Path, wells: Path, no_limits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the settings that the model was trained with, whatever the command's own are."""
    registry = provisioned.registry
    first = beside_current(registry)
    registry.attach(registry.pointer().version, b"damaged")
    assert main(["evaluate", str(wells), "--attach"]) == 0
    assert replace(beside_current(registry), evaluated=first.evaluated) == first
    said = capsys.readouterr()
    assert "events found" in said.out
    assert "WELL-90001 (1 of 6)" in said.err


def test_limits_and_a_folder_take_it_along(provisioned, trained: Path, tmp_path: Path) -> None:
    registry = provisioned.registry
    before = beside_current(registry)
    own = tmp_path / "own.toml"
    own.write_text("[sensors]\nP-TPT = { high = 2e7 }\n")
    assert main(["limits", str(own)]) == 0
    assert registry.pointer().version != before.model_version
    assert beside_current(registry) == before
    registry.attach(before.model_version, b"lost")
    assert main(["publish", str(trained)]) == 0
    assert registry.pointer().version == before.model_version
    assert beside_current(registry) == before


def test_a_damaged_one_is_not_published(
    provisioned, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pointer = provisioned.registry.pointer()
    (trained / EVALUATION_NAME).write_text("{}")
    assert main(["publish", str(trained)]) == 1
    assert "the evaluation can't be read" in capsys.readouterr().err
    assert provisioned.registry.pointer() == pointer


def test_without_it_the_model_stands_alone(
    provisioned, wells: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--into={trained}", "--trees=5", "--no-evaluation"]
    assert main(["train", str(wells), *options]) == 0
    registry = provisioned.registry
    assert registry.evaluation(registry.pointer().version) is None
    assert not (trained / EVALUATION_NAME).exists(), "it was that of another model"


def test_one_well_is_published_with_the_reason(
    provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(synthesise(seed=1, wells=1, hours=4), tmp_path)
    assert main(["train", str(tmp_path), "--trees=5", f"--into={tmp_path / 'model'}"]) == 0
    said = capsys.readouterr()
    found = beside_current(provisioned.registry)
    assert isinstance(found, NotEvaluated)
    assert "two or more" in found.reason
    assert f"not evaluated: {found.reason}" in said.out
    assert main(["evaluate", str(tmp_path), "--attach"]) == 2
    assert "two or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--attach", "--json=figures.json"],
        ["--attach", "--report=folder"],
        ["--attach", "--limit=0"],
        ["--limit=0"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    wells: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(wells), *options]) == 2
    assert "--" in capsys.readouterr().err


def test_without_a_model_there_is_nothing_to_attach_to(
    provisioned, wells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(wells), "--attach"]) == 1
    assert "no model is published yet" in capsys.readouterr().err
