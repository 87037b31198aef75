"""Scored batches that lack a summary get the one that the pipeline would have written."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from console.exits import EXIT_INTERRUPTED, EXIT_PARTIAL, EXIT_USAGE
from deploy.__main__ import main
from petrostream.aws.buckets import Bucket, StoredObject
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import SCORED, SUMMARIES
from petrostream.scoring.backfill import write_missing_summaries
from petrostream.settings import PROJECT_ROOT, variable, write_stack
from tests.support.pipeline import Scoring

WELL = "WELL-90005"


@pytest.fixture
def scoring(provisioned, packed: PackedModel, wells: Path) -> Scoring:
    made = Scoring(provisioned, packed)
    made.score(made.replay(wells, [WELL])[:4])
    return made


def summaries(scoring: Scoring) -> dict[str, bytes]:
    return scoring.provisioned.objects(scoring.provisioned.curated.name, SUMMARIES)


def quietly(done: int, of: int) -> None:
    assert done <= of


def test_what_is_lacking_is_written_as_the_pipeline_does(scoring: Scoring) -> None:
    curated, before = scoring.provisioned.curated, summaries(scoring)
    first, second, *_ = before
    curated.delete(first)
    curated.delete(second)
    curated.put(second.replace(".json", "A.json"), b"{}", "application/json")
    repaired = write_missing_summaries(curated, quietly)
    assert (repaired.batches, repaired.written, repaired.unreadable) == (4, 2, ())
    after = summaries(scoring)
    assert {key: after[key] for key in before} == before
    assert write_missing_summaries(curated, quietly).written == 0


def test_what_can_not_be_read_is_named_and_the_others_are_written(scoring: Scoring) -> None:
    curated, before = scoring.provisioned.curated, summaries(scoring)
    for key in before:
        curated.delete(key)
    bad, foreign = list(curated.keys(SCORED))[:2]
    scoring.rewrite(bad, lambda body: body[:-9])
    curated.put(foreign.replace(WELL, "WELL 1"), b"", "text/plain")
    repaired = write_missing_summaries(curated, quietly)
    assert (repaired.batches, repaired.written) == (4, 3)
    [fault] = repaired.unreadable
    assert fault.startswith(bad)


def test_what_is_scored_meanwhile_keeps_its_newer_summary(
    scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    curated, before = scoring.provisioned.curated, summaries(scoring)
    key, body = next(iter(before.items()))
    curated.delete(key)
    get = Bucket.get

    def get_slowly(bucket: Bucket, name: str, *, at_most: int) -> StoredObject:
        rows = get(bucket, name, at_most=at_most)
        bucket.put(key, b"of another model", "application/json")
        return rows

    monkeypatch.setattr(Bucket, "get", get_slowly)
    repaired = write_missing_summaries(curated, quietly)
    assert (repaired.written, repaired.unreadable) == (0, ())
    assert summaries(scoring) == before | {key: b"of another model"}
    assert body != b"of another model"


def test_the_command_says_what_it_did(scoring: Scoring, capsys) -> None:
    curated, before = scoring.provisioned.curated, summaries(scoring)
    assert main(["repair"]) == EXIT_USAGE
    assert "`petrostream up" in capsys.readouterr().err
    write_stack({"environment": scoring.provisioned.environment})
    curated.delete(next(iter(before)))
    assert main(["repair"]) == 0
    assert "4 scored batches; summaries written: 1" in capsys.readouterr().out
    curated.delete(next(iter(before)))
    scoring.rewrite(next(iter(curated.keys(SCORED))), lambda _: b"")
    assert main(["repair"]) == EXIT_PARTIAL


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_when_it_is_told_to(ending: signal.Signals) -> None:
    """In the middle of its work: the storage has taken a call and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as storage:
        write_stack(
            {
                "environment": {
                    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{storage.getsockname()[1]}",
                    "AWS_ACCESS_KEY_ID": "testing",
                    "AWS_SECRET_ACCESS_KEY": "testing",
                    "AWS_REGION": "us-east-1",
                    "AWS_DEFAULT_REGION": "us-east-1",
                    variable("curated_bucket"): "curated",
                }
            }
        )
        with subprocess.Popen(
            [sys.executable, "-m", "deploy", "repair"],
            cwd=PROJECT_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            called, _ = storage.accept()
            with called:
                process.send_signal(ending)
                _, said = process.communicate(timeout=60)
    assert process.returncode == EXIT_INTERRUPTED
    assert said == "interrupted: run the same command again to go on\n"
