"""Documents that differ from good ones, so that their readers have something to refuse.

Of a JSON document one to three values, names or places are changed; one case in three changes
bytes.
"""

import copy
import json
import random
from typing import Any

DEEP = "[" * 30_000
NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    10**400,
    7_258_118_400_000_000,
)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        "",
        " ",
        "x",
        "é",
        "\ud800",
        "\0",
        "x" * 200,
        "x" * 70_000,
        "../..",
        "<b>",
    ),
    *(0.5, -0.0, 1e308, -1e308, float("inf"), float("nan"), *NUMBERS),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2024-01-01", "http://[::1", "../.."),
    *([], {}, [[]], [None], {"": None}, {"a": {"a": {"a": 1}}}, [1] * 300, {"format": 2}),
)


def changed(good: bytes, draw: random.Random) -> bytes:
    """A document that differs from a good one."""
    if draw.random() < 1 / 3:
        return with_bytes(good, draw)
    try:
        document = json.loads(good)
    except ValueError:
        return with_bytes(good, draw)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        document = with_value(document, draw)
    text = json.dumps(document)
    if draw.random() < 0.1:
        text = text.replace(
            "}", draw.choice((', "a": 1, "a": 2}', f', "a": {DEEP}}}', ', "a": 1e999}')), 1
        )
    return text.encode(draw.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig")))


def with_value(document: Any, draw: random.Random) -> Any:
    """The document with one value in it changed, or one name, or one place."""
    whole = copy.deepcopy(document)
    holders = [each for each in values(whole) if isinstance(each, dict | list) and each]
    if not holders or draw.random() < 0.02:
        return copy.deepcopy(draw.choice(ODD))
    holder = draw.choice(holders)
    place = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = draw.random()
    if what < 0.1:
        del holder[place]
    elif what < 0.2 and isinstance(holder, dict):
        holder[str(draw.choice(ODD))[:70_000]] = holder.pop(place)
    elif what < 0.3:
        others = list(values(whole))
        holder[place] = copy.deepcopy(draw.choice(others))
    else:
        holder[place] = copy.deepcopy(draw.choice(ODD))
    return whole


def values(document: Any) -> list[Any]:
    """A value and all within it."""
    found = [document]
    for each in found:
        if isinstance(each, dict | list):
            found += each.values() if isinstance(each, dict) else each
    return found


def with_bytes(data: bytes, draw: random.Random) -> bytes:
    """Bytes with some of them changed, left out, or more of them."""
    new = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        place = draw.randrange(len(new) + 1)
        what = draw.random()
        if what < 0.4:
            new[place : place + 1] = bytes(
                [draw.choice((0, 10, 34, 44, 45, 47, 57, 61, 91, 123, 255))]
            )
        elif what < 0.6:
            del new[place : place + draw.choice((1, 1, 4, 1000))]
        elif what < 0.8:
            new[place:place] = draw.randbytes(draw.choice((1, 4, 30)))
        else:
            new[place:place] = draw.choice(
                (b"[" * 3000, b"{", b"9" * 500, b"=", b'"', b"\xff", b"a." * 900)
            )
    return bytes(new)
