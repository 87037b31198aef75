"""Whatever stands in a document from outside, its reader answers with a sentence or not at all."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petrostream.documents import MOST_WHOLE, Bounds, read_json
from petrostream.errors import PermanentError
from tests.fuzz.faults import fault_of
from tests.fuzz.readers import READERS

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=20)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["format", "runs", "start", "well", "sensors", "Records", "", "é"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", READERS)
@given(document=DOCUMENTS)
@settings(max_examples=60)
def test_any_document_is_read_or_refused(name: str, document: object) -> None:
    assert fault_of(READERS[name].read, json.dumps(document).encode()) == ""


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=60))
@settings(max_examples=60)
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    assert fault_of(READERS[name].read, data) == ""


@given(document=DOCUMENTS)
def test_what_is_read_is_what_stands_there_or_is_refused_for_what_it_holds(
    document: object,
) -> None:
    body = json.dumps(document)
    if holds(document):
        with pytest.raises(PermanentError, match="the thing can't be read: "):
            read_json(body, "the thing", bounds=Bounds(depth=6, text=15))
    else:
        assert read_json(body, "the thing", bounds=Bounds(depth=6, text=15)).plain == document


def holds(value: object, depth: int = 0) -> bool:
    """Whether a document holds something that is not read."""
    if isinstance(value, dict):
        inner = [*value, *value.values()]
        return depth == 6 or any(holds(each, depth + 1) for each in inner)
    if isinstance(value, list):
        return depth == 6 or any(holds(each, depth + 1) for each in value)
    if isinstance(value, str):
        return len(value) > 15 or any("\ud800" <= each <= "\udfff" for each in value)
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and abs(value) > MOST_WHOLE
