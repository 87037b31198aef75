"""What is judged: instances with their labels, the event in them, and normal time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from petrostream.batches import COMMISSIONING_SECONDS
from petrostream.columns import CLASS, SECOND
from petrostream.errors import UsageError
from petrostream.labels import NORMAL, TRANSIENT_OFFSET
from petrostream.recordings import Recording

UNLABELLED: Final = -1
LEAST_NORMAL_ROWS: Final = 20 * 60
"""Normal rows before the first abnormal one that make an instance an event; 3W has one a second."""

_REAL: Final = "WELL-"


@dataclass(frozen=True, slots=True)
class Span:
    """An instance's abnormal time: its first and its last abnormal row, µs since 1970 (UTC)."""

    first: int
    last: int


@dataclass(frozen=True)
class Instance:
    """A labelled recording, as the evaluation sees it.

    `labels` has shape (rows,): 3W's class, `UNLABELLED` where there is none.
    """

    recording: Recording
    labels: np.ndarray
    commissioning_seconds: int = COMMISSIONING_SECONDS

    @classmethod
    def of(
        cls, recording: Recording, commissioning_seconds: int = COMMISSIONING_SECONDS
    ) -> "Instance":
        """Take a recording with the labels that it has."""
        return cls(recording, _labels(recording), commissioning_seconds)

    @property
    def name(self) -> str:
        """Name of the recording."""
        return self.recording.recording

    @property
    def well(self) -> str:
        """Name of the well."""
        return self.recording.well

    @property
    def is_real(self) -> bool:
        """Whether a well gave it, not a simulator or a drawing hand."""
        return self.well.startswith(_REAL)

    @cached_property
    def microseconds(self) -> np.ndarray:
        """Time stamps, int64 µs since 1970, shape (rows,)."""
        return self.recording.microseconds

    @cached_property
    def commissioned(self) -> np.ndarray:
        """Whether each row comes after commissioning, shape (rows,)."""
        times = self.microseconds
        start = int(times[0]) // SECOND * SECOND
        return times >= start + self.commissioning_seconds * SECOND

    @cached_property
    def abnormal(self) -> np.ndarray:
        """Whether each row is of a transient or a fault, shape (rows,)."""
        return self.labels > NORMAL

    @cached_property
    def normal(self) -> np.ndarray:
        """Whether each row is labelled normal, commissioning included, shape (rows,)."""
        return self.labels == NORMAL

    @cached_property
    def watched(self) -> np.ndarray:
        """Whether each row is labelled normal and after commissioning, shape (rows,)."""
        return self.normal & self.commissioned

    @cached_property
    def event_class(self) -> int:
        """The fault's class, 1 to 9; 0 where no row is abnormal."""
        faults = self.labels[self.abnormal] % TRANSIENT_OFFSET
        return int(np.bincount(faults).argmax()) if len(faults) else NORMAL

    @cached_property
    def span(self) -> Span | None:
        """Its abnormal time, if it has any."""
        rows = np.flatnonzero(self.abnormal)
        if not len(rows):
            return None
        times = self.microseconds
        return Span(int(times[rows[0]]), int(times[rows[-1]]))

    @cached_property
    def normal_rows_before(self) -> int:
        """Normal rows before the first abnormal one; all normal rows where none is abnormal."""
        end = int(np.argmax(self.abnormal)) if self.abnormal.any() else len(self.labels)
        return int(np.count_nonzero(self.normal[:end]))

    @property
    def is_event(self) -> bool:
        """Whether it is judged: an abnormal time after at least 20 minutes of normal rows."""
        return self.span is not None and self.normal_rows_before >= LEAST_NORMAL_ROWS

    @property
    def is_short(self) -> bool:
        """Whether it has an abnormal time, but too little normal time before it to be judged."""
        return self.span is not None and not self.is_event

    @property
    def has_row_figures(self) -> bool:
        """Whether its rows count for precision and recall: events, and instances without fault."""
        return not self.is_short


def _labels(recording: Recording) -> np.ndarray:
    if CLASS not in recording.table.schema.names:
        return np.full(recording.rows, UNLABELLED, dtype=np.int16)
    column = recording.table.column(CLASS)
    return column.combine_chunks().fill_null(UNLABELLED).to_numpy().astype(np.int16)


def check(instances: Sequence[Instance]) -> None:
    """Check that leave-one-well-out can be done on these.

    Raises
    ------
    UsageError
        If there is no event of a real well, or there are fewer than two real wells.
    """
    real = [instance for instance in instances if instance.is_real]
    wells = sorted({instance.well for instance in real})
    if len(wells) < 2:  # noqa: PLR2004
        raise UsageError(
            f"the recordings are of {len(wells)} real well{'s' * (len(wells) != 1)}"
            f"{' (' + wells[0] + ')' if wells else ''}: leaving one well out takes two or more"
        )
    if not any(instance.is_event for instance in real):
        raise UsageError(
            f"none of the {len(real)} recordings of real wells is an event: that takes "
            f"{LEAST_NORMAL_ROWS // 60} minutes of rows labelled normal and then rows labelled "
            "with a fault or the transient to it"
        )
