"""No verb prints the password that an endpoint's address may hold."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from cli.main import main
from console.answers import Answer, give
from petrostream.disk_cache import place_cache
from petrostream.errors import ServiceUnavailable, without_passwords
from petrostream.local import worker
from petrostream.settings import LOCAL, Settings, write_stack

PASSWORD = "open-sesame"
ENDPOINT = f"http://somebody:{PASSWORD}@127.0.0.1:1"
SHOWN = "http://***@127.0.0.1:1"
NAMES = Settings(
    raw_bucket="raw",
    curated_bucket="curated",
    models_bucket="models",
    model_parameter="/model",
    queue_url=f"{ENDPOINT}/1/queue",
    dead_letter_queue_url=f"{ENDPOINT}/1/dead",
)


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere that does not answer, and an address that says who signs in there."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    for name, value in NAMES.to_environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("arguments", "says_where"),
    [
        (["status"], True),
        (["status", "--json"], True),
        (["status", "--target=aws"], False),
        (["up", "--yes", "--target=aws"], True),
        (["down", "--yes", "--target=aws"], True),
        (["replay", "{wells}", "--speed=max"], True),
        (["train", "{wells}", "--trees=5", "--no-evaluation", "--into={folder}/made"], True),
        (["rollback"], True),
        (["list"], True),
        (["list", "--json"], True),
        (["limits", "limits.toml"], True),
        (["drift"], True),
        (["recommission", "WELL-90005"], True),
        (["annotations"], True),
        (["repair"], True),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_verb_says_where_it_fails_and_not_who_signs_in_there(
    arguments: list[str],
    says_where: bool,
    wells: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = {"AWS_ENDPOINT_URL": ENDPOINT, **NAMES.to_environment()}
    write_stack({"environment": environment, "processes": {}, "target": LOCAL})
    main([each.format(wells=wells, folder=tmp_path) for each in arguments])
    said = "".join(capsys.readouterr())
    assert PASSWORD not in said and "somebody" not in said
    assert (SHOWN in said) is says_where, said


def test_whatever_says_it_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(ServiceUnavailable(f"no answer of {ENDPOINT}/x")) == f"no answer of {SHOWN}/x"
    assert give(lambda: Answer({"environment": {"URL": ENDPOINT}}), as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"environment": {"URL": SHOWN}}
    for text in ("s3://bucket/a@b", "see https://host/path, or mail a@b", "me@host"):
        assert without_passwords(text) == text


def test_the_workers_log_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", said)
    worker.main(["--slots=1"])
    logging.getLogger("botocore").warning("no answer of %s", ENDPOINT)
    assert f"no answer of {SHOWN}" in said.getvalue()
    assert PASSWORD not in said.getvalue()


def test_the_cache_of_a_place_is_not_named_after_who_signs_in_there() -> None:
    assert place_cache(ENDPOINT, "curated") == place_cache("http://127.0.0.1:1", "curated")
