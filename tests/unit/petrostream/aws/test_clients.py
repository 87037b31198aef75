"""Clients of AWS: an address that is none is a sentence, not a traceback of the first call."""

import pytest

from petrostream.aws import clients
from petrostream.errors import SettingsError


@pytest.mark.parametrize("address", ["nowhere", "http://[::1", "http://h:99999", "http://h:port"])
def test_an_endpoint_that_is_no_address_is_a_sentence(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    for make in (clients.s3, clients.sqs, clients.ssm):
        with pytest.raises(SettingsError, match="AWS can't be used: "):
            make()
