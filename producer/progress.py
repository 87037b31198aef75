"""How far a long command is: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from types import TracebackType
from typing import Final

from tqdm import tqdm

_LINE_EVERY_SECONDS: Final = 5.0
_LINE: Final = (
    "{desc}: {n_fmt}{unit} of {total_fmt}{unit}, {rate_noinv_fmt}, {remaining} left{postfix}"
)
_LINE_WITHOUT_TOTAL: Final = "{desc}: {n_fmt}{unit}, {rate_noinv_fmt}{postfix}"


class Progress:
    """Counts rows or bytes; how many, how fast and how long yet stands on standard error.

    `begun` is what an earlier run had done: it counts, but not for the rate.
    """

    def __init__(self, what: str, total: int | None, unit: str = " rows", begun: int = 0) -> None:
        self._what, self._total, self._unit, self._begun = what, total, unit, begun
        self._done, self._detail = begun, ""
        self._start = self._told = time.monotonic()
        self._bar = (
            tqdm(total=total, initial=begun, desc=what, unit=unit, unit_scale=True, file=sys.stderr)
            if sys.stderr.isatty()
            else None
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            self._tell()

    def add(self, amount: int, detail: str = "") -> None:
        """Count what has been dealt with (negative: has to be done again); `detail` goes along."""
        self._done += amount
        self._detail = detail
        if self._bar is not None:
            self._bar.set_postfix_str(detail, refresh=False)
            self._bar.update(amount)
        elif time.monotonic() - self._told >= _LINE_EVERY_SECONDS:
            self._tell()

    def note(self, text: str) -> None:
        """Say something besides, without disturbing the bar."""
        tqdm.write(text, file=sys.stderr)

    def _tell(self) -> None:
        self._told = time.monotonic()
        line = tqdm.format_meter(
            self._done,
            max(self._total or 0, self._done),
            self._told - self._start,
            prefix=self._what,
            unit=self._unit,
            unit_scale=True,
            initial=self._begun,
            postfix=self._detail,
            bar_format=_LINE if self._total else _LINE_WITHOUT_TOTAL,
        )
        print(line, file=sys.stderr, flush=True)


def readable_bytes(size: float) -> str:
    """Return a number of bytes in three or four digits.

    >>> readable_bytes(1_200_000)
    '1.20MB'
    """
    return str(tqdm.format_sizeof(size, "B"))
