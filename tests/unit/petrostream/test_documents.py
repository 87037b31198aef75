"""The strict reader: bounds, types, and a sentence that names the place for everything else."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import pytest

from petrostream.documents import MOST_WHOLE, Bounds, Part, read_json, read_toml
from petrostream.errors import InvalidModel, PermanentError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"{} {}", "it is no JSON"),
        (b"\xff", "it is not written in UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "it is not written in UTF-8"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        ("\ud800", "it is not written in UTF-8"),
        (b'{"a": "\\ud800"}', "a holds half of a character"),
        (b'{"\\udfff": 1}', "half of a character"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[[1, 1e999]]", r"\[0\]\[1\] is not a finite number"),
        (b'{"a": 9223372036854775808}', "a is a whole number of more than 64 bits"),
        (b"9" * 5000, "it is no JSON"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' stands in it twice"),
        (b'{"a": {"b": {"a": 1, "a": 1}}}', "'a' stands in it twice"),
        (b"[" * 50 + b"]" * 50, "nested more than 4 levels deep"),
        (b"[[[[[]]]]]", "nested more than 4 levels deep"),
        (b"[" * 100_000, "more than 60 values"),
        (b'{"a":' * 5 + b"1" + b"}" * 5, "nested more than 4 levels deep"),
        (b"[" + b"1," * 60 + b"1]", "more than 60 values"),
        (b"[" + b'"' + b"x" * 31 + b'"]', "a text of 31 characters, at most 30 are read"),
        (b" " * 2_000, "it has 2000 bytes, at most 1000 are read"),
    ],
)
def test_what_is_not_read_has_a_sentence(data: bytes | str, fault: str) -> None:
    bounds = Bounds(size=200_000 if len(data) > 2_000 else 1_000, depth=4, values=60, text=30)
    with pytest.raises(InvalidModel, match=f"^the thing can't be read: .*{fault}") as refused:
        read_json(data, "the thing", error=InvalidModel, bounds=bounds)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"[[[[1]]]]",
        b'["[[[[[[[[[[", "{{{{{{{{{{", "\\"[[[[[[["]',
        b'["' + b"," * 30 + b'", "' + b"," * 30 + b'"]',
        b'{"a": ' + str(MOST_WHOLE).encode() + b"}",
        b"[1, -1.5e300, true, null]",
        '["é🙂"]'.encode(),
    ],
)
def test_what_is_within_bounds_is_read(data: bytes) -> None:
    read_json(data, "the thing", bounds=Bounds(size=1_000, depth=4, values=40, text=30))


def test_a_text_that_never_ends_is_looked_at_once() -> None:
    body = b'["' + b'\\"' * 2_000_000 + b"[" * 100
    with pytest.raises(PermanentError, match="no JSON"):
        read_json(body, "the thing")


DOCUMENT = read_json(
    b'{"runs": [{"start": "x", "n": 1, "f": 1.5, "yes": true, "who": null, "when": 1}],'
    b' "colour": "green", "times": [-1, 7258118400000000, 1.0, true],'
    b' "moments": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2200-01-01", ""]}',
    "the thing",
)
RUN = next(DOCUMENT["runs"].entries())


@pytest.mark.parametrize(
    ("take", "fault"),
    [
        (RUN["start"].whole, r"runs\[0\].start is 'x', not a whole number"),
        (RUN["yes"].whole, r"runs\[0\].yes is true, not a whole number"),
        (RUN["f"].whole, r"runs\[0\].f is 1.5, not a whole number"),
        (lambda: RUN["n"].whole(2, 3), r"runs\[0\].n is 1, not a whole number from 2 to 3"),
        (RUN["yes"].number, r"runs\[0\].yes is true, not a number"),
        (lambda: RUN["f"].number(most=1), r"runs\[0\].f is 1.5, not a number from -inf to 1"),
        (RUN["n"].truth, r"runs\[0\].n is 1, not true or false"),
        (RUN["who"].text, r"runs\[0\].who is nothing, not a text"),
        (RUN["start"].microseconds, r"runs\[0\].start is 'x', not a time stamp"),
        (RUN["when"].moment, r"runs\[0\].when is 1, not a text"),
        (lambda: RUN["else"], r"runs\[0\].else is missing"),
        (lambda: RUN["n"]["m"], r"runs\[0\].n is 1, not a table of fields"),
        (lambda: list(RUN.entries()), r"runs\[0\] is a table, not a list"),
        (lambda: list(DOCUMENT["runs"].fields()), "runs is a list, not a table of fields"),
        (lambda: DOCUMENT["colour"].choice(Colour), "colour is 'green', not one of red, blue"),
    ],
)
def test_what_is_of_another_type_has_a_sentence_with_its_place(
    take: Callable[[], object], fault: str
) -> None:
    with pytest.raises(PermanentError, match=f"^the thing can't be read: {fault}"):
        take()


@pytest.mark.parametrize("part", [*DOCUMENT["times"].entries(), *DOCUMENT["moments"].entries()])
def test_times_are_of_1970_to_2199(part: Part) -> None:
    with pytest.raises(PermanentError, match="not a time"):
        part.microseconds() if part.path.startswith("times") else part.moment()


def test_moments_are_of_utc() -> None:
    texts = b'["2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z", "2024-01-01"]'
    for part in read_json(texts, "it").entries():
        assert part.moment() == datetime(2024, 1, 1)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(PermanentError) as refused:
        read_json(b'{"' + b"n" * 900 + b'": "' + b"v" * 900 + b'"}', "it")["n" * 900].whole()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"a = ", "it is no TOML"),
        (b"a = 1\na = 2", "it is no TOML"),
        (b"a = nan", "a is not a finite number"),
        (b"a = inf", "a is not a finite number"),
        (b"a = " + b"[" * 50_000, "it is no TOML|nested more than"),
        (b"a." * 20_000 + b"a = 1", "nested more than"),
        (b"\xff", "it is not written in UTF-8"),
        (b"# " + b"x" * 70_000, "at most 65536 are read"),
    ],
)
def test_toml_is_held_to_the_same(data: bytes, fault: str) -> None:
    with pytest.raises(PermanentError, match=f"^limits.toml can't be read: .*({fault})"):
        read_toml(data, "limits.toml")


def test_toml_may_be_larger_where_the_reader_says_so() -> None:
    data = b"".join(b"a%d = 1\n" % number for number in range(3_000))
    with pytest.raises(PermanentError, match="more than 2000 values"):
        read_toml(data, "limits.toml")
    assert len(read_toml(data, "limits.toml", bounds=Bounds()).table()) == 3_000
