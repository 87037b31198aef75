"""Annotations in a bucket: append-only, whoever writes at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

import ml.__main__ as ml
from petrostream.alarms import annotations
from petrostream.alarms.annotations import Annotation, AnnotationKind, Annotations
from petrostream.errors import ServiceUnavailable
from petrostream.schema.keys import ANNOTATIONS

NOON = datetime(2026, 11, 21, 12)


def said(who: str, note: str = "") -> Annotation:
    return Annotation(
        "WELL-00001", "recording", 0, 10, AnnotationKind.ACKNOWLEDGED, who, NOON, note
    )


def test_all_that_was_said_at_the_same_moment_is_kept(provisioned) -> None:
    kept = Annotations(provisioned.curated)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kept.add, [said(f"person {number}") for number in range(16)]))
    assert {each.who for each in kept.read()} == {f"person {number}" for number in range(16)}
    assert len(Annotations(provisioned.curated).read()) == 16


def test_nothing_is_ever_replaced(provisioned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotations.secrets, "token_hex", lambda _: "same")
    kept = Annotations(provisioned.curated)
    kept.add(said("first"))
    with pytest.raises(ServiceUnavailable):
        kept.add(said("second"))
    assert [each.who for each in kept.read()] == ["first"]


def test_what_is_no_annotation_is_left_out_and_only_new_ones_are_read(
    provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Annotations(provisioned.curated)
    kept.add(said("Ana"))
    provisioned.curated.put(f"{ANNOTATIONS}well=WELL-00001/x/y.json", b"{", "application/json")
    assert [each.who for each in kept.read()] == ["Ana"]
    monkeypatch.setattr(kept._bucket, "get", None)
    assert [each.who for each in kept.read()] == ["Ana"]


def test_they_are_exported_for_training(provisioned, tmp_path: Path, capsys) -> None:
    Annotations(provisioned.curated).add(said("Ana", "a note, with a comma"))
    assert ml.main(["annotations"]) == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.startswith("well,recording,start,end,kind,who,when,note")
    assert row.endswith('acknowledged,Ana,2026-11-21T12:00:00Z,"a note, with a comma"')
    file = tmp_path / "said.csv"
    assert ml.main(["annotations", "--into", str(file)]) == 0
    assert row in file.read_text()
    assert ml.main(["annotations", "--into", str(tmp_path / "none" / "said.csv")]) == 2
