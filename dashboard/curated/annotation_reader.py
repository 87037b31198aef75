"""What people said of alarms, as pages that only count it want it: lately is enough."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from typing import Final

import numpy as np

from petrostream.alarms.annotations import Annotation, Annotations
from petrostream.errors import PetroStreamError

_EVERY_SECONDS: Final = 15.0


class AnnotationReader:
    """Remembers what was said, for all visitors: a look is a listing. Safe between threads."""

    def __init__(self, annotations: Annotations) -> None:
        self._annotations = annotations
        self._known: list[Annotation] | None = None
        self._asked_at = self._known_from = -np.inf
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="annotations")
        self._running: Future[list[Annotation]] | None = None

    def now(self) -> list[Annotation]:
        """All that was said by now, oldest first."""
        began = time.monotonic()
        found = self._annotations.read()
        with self._lock:
            if began >= self._known_from:  # else a look that began later has been quicker
                self._known, self._known_from = found, began
                self._asked_at = max(self._asked_at, began)
        return found

    def lately(self, wait_seconds: float) -> list[Annotation] | None:
        """All that was said a moment ago, read in the background; `None` where nothing is known.

        It is waited for only where nothing is known yet.
        """
        with self._lock:
            is_due = time.monotonic() - self._asked_at > _EVERY_SECONDS
            if is_due and (self._running is None or self._running.done()):
                self._asked_at = time.monotonic()
                self._running = self._worker.submit(self.now)
            running = self._running
        if self._known is None and running is not None:
            try:
                return running.result(wait_seconds)
            except (StillReading, PetroStreamError):
                return None
        return self._known
