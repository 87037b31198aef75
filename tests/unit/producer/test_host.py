"""Who is asked at an address: named in sentences, whatever the address is."""

import pytest

from producer.download.http import host


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.github.com/x", "api.github.com"),
        ("https://user:secret@mirror:8443/x", "mirror:8443"),
        ("http://[::1", "http://[::1"),
        ("nowhere", "nowhere"),
    ],
)
def test_an_address_is_named_by_its_host(url: str, name: str) -> None:
    assert host(url) == name
