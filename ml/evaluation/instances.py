"""What is judged: instances with their labels, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from petrostream.errors import UsageError
from petrostream.evaluation.judging import (
    LEAST_NORMAL_ROWS,
    UNLABELLED,
    LabelRun,
    Truth,
    label_runs,
)
from petrostream.ingest.batches import COMMISSIONING_SECONDS, recording_start
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import CLASS, SECOND
from petrostream.schema.labels import NORMAL


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

    @cached_property
    def microseconds(self) -> np.ndarray:
        """Time stamps, int64 µs since 1970, shape (rows,)."""
        return self.recording.microseconds

    @cached_property
    def watched(self) -> np.ndarray:
        """Whether each row comes after commissioning, shape (rows,)."""
        times = self.microseconds
        return times >= recording_start(times) + self.commissioning_seconds * SECOND

    @cached_property
    def abnormal(self) -> np.ndarray:
        """Whether each row is of a transient or a fault, shape (rows,)."""
        return self.labels > NORMAL

    @cached_property
    def normal(self) -> np.ndarray:
        """Whether each row is labelled normal, commissioning included, shape (rows,)."""
        return self.labels == NORMAL

    @cached_property
    def watched_normal(self) -> np.ndarray:
        """Whether each row is labelled normal and after commissioning, shape (rows,)."""
        return self.normal & self.watched

    @cached_property
    def truth(self) -> Truth:
        """What its labels say."""
        quiet = np.zeros(len(self.labels), dtype=bool)
        return Truth.of(self.well, self.name, self.runs(quiet))

    def runs(self, flag: np.ndarray) -> list[LabelRun]:
        """Its label runs, with what a method flagged, shape (rows,)."""
        return list(label_runs(self.microseconds, self.labels, self.watched, flag))


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
    real = [instance for instance in instances if instance.truth.is_real]
    wells = sorted({instance.well for instance in real})
    if len(wells) < 2:  # noqa: PLR2004
        raise UsageError(
            f"the recordings are of {len(wells)} real well{'s' * (len(wells) != 1)}"
            f"{' (' + wells[0] + ')' if wells else ''}: leaving one well out takes two or more"
        )
    if not any(instance.truth.is_event for instance in real):
        raise UsageError(
            f"none of the {len(real)} recordings of real wells is an event: that takes "
            f"{LEAST_NORMAL_ROWS // 60} minutes of rows labelled normal and then rows labelled "
            "with a fault or the transient to it"
        )
