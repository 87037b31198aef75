"""No page of another origin may use the embedded AWS, which asks nobody for credentials.

A browser sends requests to loopback for any page that asks it to. It says in headers that no page
can change whose page it is, and which name it took for this server.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

_NAMES: Final = ("127.0.0.1", "localhost", "::1")
_OWN_SITE: Final = frozenset({"none", "same-origin"})
_REFUSAL: Final = (
    b"The embedded AWS answers no page of another origin, and to loopback names only.\n"
)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def refusing_foreign_pages(application: Application) -> Application:
    """Wrap a WSGI application, so that what a page of another origin sends is refused."""

    def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_own(environ):
            return application(environ, start_response)
        status = HTTPStatus.FORBIDDEN
        start_response(
            f"{status.value} {status.phrase}",
            [
                ("Content-Type", "text/plain"),
                ("Content-Length", str(len(_REFUSAL))),
                ("Connection", "close"),
            ],
        )
        return [_REFUSAL]

    return checked


def is_own(environ: dict[str, Any]) -> bool:
    """Whether a request is of no page, or of one that this server gave itself."""
    host = environ.get("HTTP_HOST", "")
    return (
        _is_loopback(host)
        and environ.get("HTTP_ORIGIN", f"http://{host}") == f"http://{host}"
        and environ.get("HTTP_SEC_FETCH_SITE", "none") in _OWN_SITE
    )


def _is_loopback(host: str) -> bool:
    """Whether a name can lead nowhere else, whoever answers for it; buckets may stand before it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in _NAMES or name.endswith((".localhost", ".127.0.0.1"))
