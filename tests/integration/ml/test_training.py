"""Train, publish, list, roll back."""

import json
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from ml.__main__ import main
from ml.training.fit import TrainingSettings
from petrostream.detection.isolation_forest import load
from petrostream.errors import InvalidModel, ModelNotReady, UsageError
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel, Pointer, unpack
from petrostream.registry.models import CurrentModel
from tests.support.training import trained_on

FEW_TREES = ("--trees", "10")


def train(wells: Path, into: Path, *options: str) -> int:
    """Train quickly, without an evaluation."""
    return main(["train", str(wells), "--into", str(into), *FEW_TREES, "--no-evaluation", *options])


def test_training_writes_three_files_that_agree_and_publishes(
    provisioned, wells: Path, tmp_path: Path
) -> None:
    assert train(wells, tmp_path) == 0
    fitted: IsolationForest = joblib.load(tmp_path / "model.joblib")
    forest = load((tmp_path / "forest.npz").read_bytes())
    manifest = json.loads((tmp_path / "model.json").read_text())
    samples = np.random.default_rng(1).random((100, forest.n_features))
    assert np.abs(forest.score_samples(samples) - fitted.score_samples(samples)).max() < 1e-12
    model = provisioned.registry.load(provisioned.registry.pointer())
    assert model.version == manifest["version"]
    assert model.training["recordings"] == 6
    names = {key.rsplit("/", 1)[1] for key in provisioned.objects(provisioned.models.name)}
    assert names == {"model.joblib", "forest.npz", "model.json"}


def test_the_same_data_gives_the_same_model(provisioned, wells: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        assert train(wells, tmp_path / folder, "--no-publish") == 0
    for name in ("forest.npz", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with pytest.raises(ModelNotReady):
        provisioned.registry.pointer()


def test_roll_back_moves_the_pointer_to_the_model_before(
    provisioned, wells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = []
    for seed in ("1", "2", "3"):
        assert train(wells, tmp_path / seed, "--seed", seed) == 0
        versions.append(provisioned.registry.pointer().version)
    assert len(set(versions)) == 3
    assert main(["rollback"]) == 0
    assert provisioned.registry.pointer().version == versions[1]
    assert main(["rollback"]) == 0
    assert provisioned.registry.pointer().version == versions[0]
    assert main(["rollback"]) == 2
    provisioned.clients.ssm.put_parameter(
        Name=provisioned.settings.model_parameter, Value="nonsense", Overwrite=True
    )
    assert main(["rollback", "--to", versions[1]]) == 0
    assert provisioned.registry.pointer().version == versions[1]
    for became in ("is now the current one", "was the current one already"):
        assert main(["publish", str(tmp_path / "3")]) == 0
        assert provisioned.registry.pointer().version == versions[2]
        assert f"published model {versions[2]}; it {became}\n" in capsys.readouterr().out
    assert main(["list"]) == 0
    assert f"{versions[2]}  current" in capsys.readouterr().out
    assert main(["rollback", "--to", "nonsense"]) == 2
    assert "there is no model nonsense" in capsys.readouterr().err


def test_without_a_model_list_and_roll_back_say_so(
    provisioned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    assert "no model is published yet" in capsys.readouterr().out
    assert main(["rollback"]) == 1
    assert "no model is published yet" in capsys.readouterr().err


def test_a_damaged_model_is_not_published(
    provisioned, wells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(wells, tmp_path, "--no-publish") == 0
    (tmp_path / "forest.npz").write_bytes(b"something else")
    assert main(["publish", str(tmp_path)]) == 1
    assert "is not the published one" in capsys.readouterr().err
    assert main(["publish", str(tmp_path / "nowhere")]) == 2
    assert "(there is no model.json in it): make one with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--false-alarms", "-1"], "from 0 on"),
        (["--trees", "0"], "above 0"),
        (["--limit", "1", "--false-alarms", "1"], "normal windows"),
    ],
)
def test_training_that_makes_no_sense_is_refused(
    provisioned, wells: Path, tmp_path: Path, options: list[str], reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert train(wells, tmp_path, *options) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["train", "--no-publish", "--into=INTO"], ["evaluate"]], ids=["train", "evaluate"]
)
def test_files_that_could_not_be_read_are_named_where_the_rest_is_too_little(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "0" / "WELL-00001_20170201010207.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"no Parquet")
    options = [word.replace("INTO", str(tmp_path / "model")) for word in command]
    assert main([*options, str(tmp_path)]) == 2
    [named, error] = capsys.readouterr().err.splitlines()
    assert named.startswith(f"not read: {damaged}: it can't be read as Parquet")
    assert error.startswith("error: ")


def test_the_current_model_follows_the_pointer_within_a_minute(
    provisioned, packed: PackedModel
) -> None:
    registry = provisioned.registry
    now = 0.0
    problems: list[str] = []
    current = CurrentModel(registry, clock=lambda: now, on_problem=problems.append)
    with pytest.raises(ModelNotReady):
        current.get()
    registry.publish(packed)
    assert current.get().version == packed.pointer.version
    registry.move(Pointer(packed.pointer.version, "0" * 64))
    assert current.get().version == packed.pointer.version
    assert not problems
    now = 60.0
    assert current.get().version == packed.pointer.version
    assert "goes on" in problems[0]
    registry.move(Pointer("0123456789ab", "0" * 64))
    with pytest.raises(InvalidModel, match="can't be loaded"):
        CurrentModel(registry).get()


def test_limits_are_published_with_the_current_model(
    provisioned, packed: PackedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = provisioned.registry
    registry.publish(packed)
    own = tmp_path / "limits.toml"
    own.write_text("[sensors]\nP-TPT = { high = 2e7 }\n")
    assert main(["limits", str(own)]) == 0
    model = registry.load(registry.pointer())
    assert model.version != packed.pointer.version
    assert model.detector.limits.of_well("WELL-1")["P-TPT"].high == 2e7
    assert model.training == unpack(packed.pointer, packed.manifest, packed.forest).training
    assert main(["limits", str(own)]) == 0
    assert "already" in capsys.readouterr().out
    own.write_text("[sensors]\nP-TPT = { highest = 2e7 }\n")
    assert main(["limits", str(own)]) == 2
    assert main(["limits", str(tmp_path / "nowhere.toml")]) == 2
    (tmp_path / "limits.json").write_text('{"sensors": {}}')
    assert main(["limits", str(tmp_path / "limits.json")]) == 2
    assert "limits stand in a TOML file, as in limits.toml" in capsys.readouterr().err
    assert registry.pointer().version == model.version


def test_too_little_normal_time_is_a_sentence(recordings: list[Recording]) -> None:
    short = replace(recordings[0], table=recordings[0].table.slice(0, 600))
    with pytest.raises(UsageError, match="normal"):
        trained_on([short], TrainingSettings())
