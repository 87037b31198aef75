"""The recordings of a training: read once and kept where they are few, else read each time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ml.training.fit import Lesson, TrainingSettings
from petrostream.detection.parameters import DetectorSettings
from petrostream.ingest.recordings import Problem, RecordingFile, find_recordings, read_recordings

MOST_KEPT: Final = 120
"""Recordings that are kept in memory; some hundred MB."""


def evenly_chosen(files: list[RecordingFile], limit: int | None) -> list[RecordingFile]:
    """At most `limit` of the files, spread evenly over their order."""
    if limit is None or len(files) <= limit:
        return files
    return [files[position * len(files) // limit] for position in range(limit)]


@dataclass
class Lessons:
    """Recordings as training sees them, to be gone through any number of times.

    `problems` gets the files that can't be read.
    """

    files: list[RecordingFile]
    problems: list[Problem]
    training: TrainingSettings
    settings: DetectorSettings
    _kept: list[Lesson] | None = None

    @classmethod
    def find(
        cls, data: Path, limit: int | None, training: TrainingSettings, settings: DetectorSettings
    ) -> "Lessons":
        """Find recordings below a folder, `limit` at most.

        Raises
        ------
        UsageError
            If there are none.
        """
        files, problems = find_recordings(data)
        return cls(evenly_chosen(files, limit), problems, training, settings)

    def __iter__(self) -> Iterator[Lesson]:
        if len(self.files) > MOST_KEPT:
            return self._read(self.files)
        if self._kept is None:
            self._kept = list(self._read(self.files))
        return iter(self._kept)

    def few(self) -> list[Lesson]:
        """As many as may be kept, spread evenly over all."""
        if len(self.files) > MOST_KEPT:
            return list(self._read(evenly_chosen(self.files, MOST_KEPT)))
        return list(self)

    def _read(self, files: list[RecordingFile]) -> Iterator[Lesson]:
        for recording in read_recordings(files, self.problems):
            yield Lesson(recording, self.training, self.settings)
