"""The stack file: whatever stands in it, commands take what they need or say what to do."""

import json

import pytest

from deploy import powerbi
from petrostream.errors import SettingsError, UsageError
from petrostream.local import stack as embedded
from petrostream.settings import AWS, LOCAL, read_stack, stack_file, use_stack, write_stack

GOOD = {
    "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    "processes": {"server": {"pid": 7, "created": 1.5}},
}


def write(body: bytes, target: str = LOCAL) -> None:
    stack_file(target).parent.mkdir(parents=True, exist_ok=True)
    stack_file(target).write_bytes(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff{}",
        b"[" * 100_000,
        b'{"environment": ' + b'{"a":' * 50_000,
        b'{"environment": []}',
        b'{"environment": {"A": 1}}',
        b'{"environment": {"A=B": "c"}}',
        b'{"environment": {"A": "\\u0000"}}',
        b'{"environment": {"A": "\\ud800"}}',
        b'{"environment": {"AWS_ENDPOINT_URL": "http://[::1"}}',
        b'{"environment": {"AWS_ENDPOINT_URL": "http://h:99999"}}',
        b'{"environment": {"AWS_ENDPOINT_URL": "nowhere"}}',
        b'{"environment": {}, "processes": []}',
        b'{"environment": {}, "processes": {"server": 7}}',
        b'{"environment": {}, "processes": {"server": {"pid": "7", "created": 1}}}',
        b'{"environment": {}, "processes": {"server": {"pid": 1e999, "created": 1}}}',
        b'{"environment": {}, "processes": {"server": {"pid": -1, "created": 1}}}',
        b'{"environment": {}, "outputs": 3}',
        b'{"environment": {}, "environment": {}}',
    ],
)
def test_an_odd_stack_file_is_a_sentence_that_says_what_to_do(body: bytes) -> None:
    write(body)
    with pytest.raises(SettingsError, match=r"local.json .*petrostream down") as refused:
        use_stack()
    assert str(refused.value).isprintable()
    embedded.down()
    assert read_stack() is None, "it is removed all the same"


def test_a_password_in_an_address_that_is_none_is_not_repeated() -> None:
    write(b'{"environment": {"AWS_ENDPOINT_URL": "http://user:secret@h:99999"}}')
    with pytest.raises(SettingsError) as refused:
        read_stack()
    assert "secret" not in str(refused.value)


def test_what_is_written_is_read_and_what_may_lack_is_empty() -> None:
    write_stack(GOOD)
    assert read_stack() == {"outputs": {}, **GOOD}
    write(b'{"environment": {"A": "b"}}')
    assert read_stack() == {"environment": {"A": "b"}, "processes": {}, "outputs": {}}


def test_power_bi_names_what_the_stack_file_lacks() -> None:
    write(json.dumps({"environment": {}, "outputs": {"region": "r"}}).encode(), AWS)
    with pytest.raises(UsageError, match="lacks glue_database, athena_workgroup, results_bucket"):
        powerbi.run()
