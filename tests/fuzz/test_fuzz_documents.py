"""A first stretch of the fuzzing, always the same, with every run of the tests."""

import json

import pytest

from tests.fuzz.fuzz_documents import case
from tests.fuzz.readers import READERS, Reader, fault_of

CASES = 150


@pytest.mark.parametrize("name", READERS)
def test_its_good_document_is_read(name: str) -> None:
    assert READERS[name].read(READERS[name].good) not in (None, [])


@pytest.mark.parametrize("name", READERS)
def test_a_changed_document_is_read_or_refused_in_one_line(name: str) -> None:
    faults = {number: fault_of(READERS[name], case(name, number, 7)) for number in range(CASES)}
    assert {number: fault for number, fault in faults.items() if fault} == {}


def test_it_finds_what_is_wrong_with_a_careless_reader() -> None:
    careless = Reader(lambda data: json.loads(data)["start"] + 1, b'{"start": 1}')
    faults = {
        fault_of(careless, case("events", number, 7)).partition(":")[0] for number in range(CASES)
    }
    assert {"JSONDecodeError", "RecursionError", "KeyError"} <= faults
