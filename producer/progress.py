"""How far a replay is: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from types import TracebackType
from typing import Final

from tqdm import tqdm

_LINE_EVERY_SECONDS: Final = 5.0


class Progress:
    """Counts rows and shows rate and time left on standard error."""

    def __init__(self, what: str, total_rows: int | None) -> None:
        self._what = what
        self._total = total_rows
        self._rows = 0
        self._began = self._told = time.monotonic()
        self._bar = (
            tqdm(total=total_rows, desc=what, unit="row", unit_scale=True, file=sys.stderr)
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

    def add(self, rows: int) -> None:
        """Count rows that have been dealt with."""
        self._rows += rows
        if self._bar is not None:
            self._bar.update(rows)
        elif time.monotonic() - self._told >= _LINE_EVERY_SECONDS:
            self._tell()

    def note(self, text: str) -> None:
        """Say something besides, without disturbing the bar."""
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            sys.stderr.write(f"{text}\n")

    def _tell(self) -> None:
        self._told = time.monotonic()
        rate = self._rows / max(self._told - self._began, 1e-9)
        of_total = f" of about {self._total}" if self._total else ""
        left = ""
        if self._total and rate > 0 and self._rows < self._total:
            left = f", about {(self._total - self._rows) / rate:.0f} s left"
        sys.stderr.write(f"{self._what}: {self._rows}{of_total} rows, {rate:.0f} rows/s{left}\n")
        sys.stderr.flush()
