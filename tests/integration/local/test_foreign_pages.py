"""The embedded AWS and browsers: pages of another origin get nothing and change nothing."""

import http.client
from urllib.parse import urlsplit

import pytest

HTTP_FORBIDDEN = 403


def ask(
    server: str, path: str, headers: dict[str, str], method: str = "GET"
) -> http.client.HTTPResponse:
    address = urlsplit(server)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.request(method, path, body=b"" if method == "POST" else None, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "["},
    ],
)
def test_a_page_of_another_origin_gets_and_changes_nothing(provisioned, server, headers) -> None:
    provisioned.curated.put("scored/kept", b"kept", "text/plain")
    bucket = provisioned.curated.name
    for method, path in (
        ("GET", f"/{bucket}?list-type=2"),
        ("GET", "/?Action=DeleteQueue"),
        ("OPTIONS", f"/{bucket}/scored/kept"),
        ("DELETE", f"/{bucket}/scored/kept"),
        ("POST", "/moto-api/reset"),
        ("GET", "/moto-api/data.json"),
    ):
        answer = ask(server, path, headers, method)
        assert answer.status == HTTP_FORBIDDEN
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert provisioned.objects(bucket) == {"scored/kept": b"kept"}


def test_everybody_else_is_answered_and_no_origin_is_let_in_by_a_header(
    provisioned, server
) -> None:
    port = urlsplit(server).port
    for headers in (
        {},
        {"Host": f"localhost:{port}"},
        {"Host": f"curated.localhost:{port}"},
        {"Host": f"127.0.0.1:{port}", "Origin": server, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        answer = ask(server, f"/{provisioned.curated.name}?list-type=2", headers)
        assert answer.status != HTTP_FORBIDDEN
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
