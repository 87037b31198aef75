"""Where the embedded AWS is, and what a client of it needs in its environment."""

from typing import Final

NAME: Final = "petrostream"
"""Prefix of every resource's name."""
ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
HOST: Final = "127.0.0.1"
FAKE_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Keys that open nothing, so that a forgotten endpoint never reaches an account."""


def environment(endpoint: str) -> dict[str, str]:
    """The variables with which every AWS client talks to an embedded AWS, and to it alone."""
    return {"AWS_ENDPOINT_URL": endpoint, **FAKE_CREDENTIALS}
