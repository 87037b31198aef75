"""Do the same with many things at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

PARALLEL: Final = 8

OnProgress = Callable[[int, int], None]
"""Is told how many of how many are done."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parallel(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Do the same with several items at once; results are in the order of the items."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(work, items))
