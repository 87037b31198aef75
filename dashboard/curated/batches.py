"""Batches as arrays: how the keys of their summaries are read, put together and told apart."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from petrostream.errors import PermanentError
from petrostream.schema.keys import NAME_PATTERN, SUMMARIES, BatchId
from petrostream.scoring import summaries

BATCH: Final = np.dtype(
    [
        ("well", "<i4"),
        ("recording", "<i4"),
        ("second", "<M8[us]"),
        ("modified", "<M8[us]"),
        ("figures", summaries.FIGURES),
    ]
)
"""A batch as the listing of its summary describes it."""

EMPTY: Final = np.zeros(0, dtype=BATCH)
_PARTS: Final = 6
_SECOND: Final = "%Y-%m-%dT%H:%M:%S"
_EARLIEST: Final = "1970"
_LATEST: Final = "2200"
_NO_SUMMARY: Final = "its key is none of a summary"


@dataclass(frozen=True, slots=True)
class Names:
    """Numbers for the names of wells and recordings, so that arrays hold them.

    Safe to share between threads.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, name: str) -> int:
        """The number of a name, a new one where it was not seen before."""
        if name not in self.numbers:
            with self.lock:
                self.numbers.setdefault(name, len(self.numbers))
        return self.numbers[name]

    @property
    def known(self) -> list[str]:
        """The names, by number."""
        return list(self.numbers)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as S3 lists it; `modified` is UTC without a zone."""

    key: str
    modified: datetime


def parse(
    listed: Sequence[ListedKey],
    wells: Names,
    recordings: Names,
    on_refused: Callable[[str, str], None] = lambda _key, _reason: None,
) -> np.ndarray:
    """Read batches from the keys of their summaries; those that can't be read are left out.

    `on_refused` is told their keys, and why.
    """
    parts = [each.key.removesuffix(".json").split("/") for each in listed]
    seconds = [_second(each) for each in parts]
    good = [place for place, second in enumerate(seconds) if second]
    if len(good) < len(listed):
        for each, second in zip(listed, seconds, strict=True):
            if not second:
                on_refused(each.key, _NO_SUMMARY)
    try:
        figures = summaries.decode([parts[place][-1] for place in good])
    except PermanentError:
        faults = {place: summaries.fault_of(parts[place][-1]) for place in good}
        for place, fault in faults.items():
            if fault:
                on_refused(listed[place].key, fault)
        good = [place for place in good if not faults[place]]
        figures = summaries.decode([parts[place][-1] for place in good])
    batches = np.zeros(len(good), dtype=BATCH)
    batches["well"] = [wells.number(parts[place][3]) for place in good]
    batches["recording"] = [recordings.number(parts[place][4]) for place in good]
    batches["second"] = [np.datetime64(seconds[place], "us") for place in good]
    batches["modified"] = [np.datetime64(listed[place].modified, "us") for place in good]
    batches["figures"] = figures
    return batches


def _second(parts: Sequence[str]) -> str:
    """The first second as ISO text; empty where the key does not follow the layout."""
    if len(parts) != _PARTS or not parts[1].startswith("date=") or f"{parts[0]}/" != SUMMARIES:
        return ""
    if NAME_PATTERN.fullmatch(parts[3]) is None or NAME_PATTERN.fullmatch(parts[4]) is None:
        return ""
    date, time = parts[1].removeprefix("date="), parts[2]
    text = f"{date}T{time[:2]}:{time[2:4]}:{time[4:]}"
    try:
        second = datetime.strptime(text, _SECOND)
    except ValueError:
        return ""
    return text if f"{second:{_SECOND}}" == text and _EARLIEST <= text < _LATEST else ""


def newest_versions(batches: np.ndarray) -> np.ndarray:
    """Batches by well, then time; of several summaries of one batch the one written last.

    A batch that another model scored anew has another key, and the old one stays.
    """
    order = np.lexsort(
        (batches["modified"], batches["recording"], batches["second"], batches["well"])
    )
    ordered = batches[order]
    same = np.ones(len(ordered), dtype=bool)
    for name in ("well", "second", "recording"):
        same[:-1] &= ordered[name][:-1] == ordered[name][1:]
    same[-1:] = False
    return ordered[~same]


def by_well(parts: Sequence[np.ndarray], wells: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Put parts together by well; within a well the order stays.

    `wells` and `recordings` have the place of each number that stands in the parts.
    """
    places = wells[np.concatenate([EMPTY["well"], *(part["well"] for part in parts)])]
    order = np.argsort(places.astype("u4"), kind="stable")
    target = np.empty_like(order)
    target[order] = np.arange(len(order))
    together = np.empty(len(order), dtype=BATCH)
    begin = 0
    for part in parts:
        together[target[begin : begin + len(part)]] = part
        begin += len(part)
    together["well"] = places[order]
    together["recording"] = recordings[together["recording"]]
    return together


def numbered(
    batches: np.ndarray, old: tuple[Sequence[str], Sequence[str]], new: tuple[Names, Names]
) -> np.ndarray:
    """A copy of batches with the numbers that other wells' and recordings' names have elsewhere."""
    copied = batches.copy()
    for column, names, numbers in zip(("well", "recording"), old, new, strict=True):
        table = np.array([numbers.number(name) for name in names], dtype="<i4")
        copied[column] = table[batches[column]]
    return copied


def summary_key(batch: np.void, wells: Sequence[str], recordings: Sequence[str]) -> str:
    """Key of the summary of one element of a `BATCH` array.

    Empty where a later version of PetroStream wrote it, with sensors that this one leaves out.
    """
    if not summaries.is_whole(batch["figures"]):
        return ""
    known = BatchId(wells[batch["well"]], recordings[batch["recording"]], batch["second"].item())
    return known.summary(summaries.encode(batch["figures"]))
