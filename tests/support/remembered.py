"""Compute once what thousands of runs of the same few inputs want."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from petrostream.detection.profiles import Profile
from petrostream.scoring import pipeline as pipeline_module


def remember(monkeypatch: pytest.MonkeyPatch) -> None:
    """What scoring computes from the same input is computed once."""
    monkeypatch.setattr(pipeline_module, "decode", cache(pipeline_module.decode))
    for module, name in (
        (pipeline_module, "score_batch"),
        (pipeline_module, "encode_scored"),
        (pipeline_module.summaries, "summarise"),
        (pipeline_module.events, "to_json"),
    ):
        monkeypatch.setattr(module, name, once_for_each(getattr(module, name)))


def once_for_each(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Compute once for the same objects; they are kept, so that no other takes their place."""
    known: dict[tuple[object, ...], Any] = {}

    def remembered(*given: Any, **named: Any) -> Any:
        key = tuple(
            each if isinstance(each, str | int) else id(each)
            for each in (*given, *named.values())
            if not isinstance(each, Profile)
        )
        if key not in known:
            known[key] = (given, named, compute(*given, **named))
        return known[key][2]

    return remembered
