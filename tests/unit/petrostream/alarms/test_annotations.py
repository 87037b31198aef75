"""What is said of alarms is written once, read back whole, and the last word counts."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrostream.alarms.annotations import (
    LONGEST_NOTE,
    Annotation,
    AnnotationKind,
    from_json,
    standing,
    to_csv,
    to_json,
)
from petrostream.errors import PermanentError, UsageError

WELL, RECORDING = "WELL-00001", "WELL-00001_20170201000000"
NOON = datetime(2026, 11, 21, 12)
names = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and text.isprintable())


def said(
    kind: AnnotationKind, minutes: int = 0, start: int = 100, end: int = 200, **more
) -> Annotation:
    when = NOON + timedelta(minutes=minutes)
    given = {"well": WELL, "recording": RECORDING, "who": "Ana", **more}
    return Annotation(start=start, end=end, kind=kind, when=when, **given)


@given(
    names,
    st.text(max_size=200),
    st.sampled_from([kind for kind in AnnotationKind if kind is not AnnotationKind.NOTE]),
)
def test_it_is_read_back_as_it_was_said(who: str, note: str, kind: AnnotationKind) -> None:
    annotation = said(kind, who=who, note=note)
    assert from_json(to_json(annotation)) == annotation


@given(st.text(max_size=200))
def test_the_export_can_be_read_whatever_a_note_says(note: str) -> None:
    rows = list(
        csv.reader(io.StringIO(to_csv([said(AnnotationKind.TRUE_ALARM, note=note)]), newline=""))
    )
    assert len(rows) == 2
    assert rows[1][0] == WELL
    assert rows[1][2] == "1970-01-01T00:00:00.000100Z"
    assert rows[1][-1] == note


@pytest.mark.parametrize(
    "wrong",
    [
        {"who": ""},
        {"who": " "},
        {"who": "a\nb"},
        {"who": "x" * 61},
        {"note": "x" * (LONGEST_NOTE + 1)},
        {"well": "../results"},
        {"recording": "a/b"},
        {"end": 99},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        said(AnnotationKind.ACKNOWLEDGED, **wrong)


def test_an_empty_note_is_refused() -> None:
    with pytest.raises(UsageError):
        said(AnnotationKind.NOTE, note="  ")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"format":2}', b'"text"'])
def test_what_is_no_annotation_says_so(body: bytes) -> None:
    with pytest.raises(PermanentError):
        from_json(body)


def test_the_last_word_counts() -> None:
    words = [
        said(AnnotationKind.ACKNOWLEDGED),
        said(AnnotationKind.TRUE_ALARM, 1),
        said(AnnotationKind.FALSE_ALARM, 2, who="Rui"),
        said(AnnotationKind.REOPENED, 3),
    ]
    found = standing(words, WELL, RECORDING, 100, 200)
    assert found.is_open
    assert found.verdict == words[2]
    assert not standing(words[:3], WELL, RECORDING, 100, 200).is_open


def test_it_holds_for_alarms_that_it_overlaps_and_no_others() -> None:
    words = [said(AnnotationKind.ACKNOWLEDGED)]
    assert not standing(words, WELL, RECORDING, 50, 100).is_open
    assert not standing(words, WELL, RECORDING, 150, 900).is_open
    assert standing(words, WELL, RECORDING, 201, 300).is_open
    assert standing(words, WELL, "another", 100, 200).is_open
    assert standing(words, "WELL-00002", RECORDING, 100, 200).is_open
