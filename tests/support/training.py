"""Train on recordings that are in memory, as the suites need it."""

from collections.abc import Sequence

from ml.training.fit import Lesson, Trained, TrainingSettings, train_on
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.parameters import DetectorSettings
from petrostream.ingest.recordings import Recording


def trained_on(recordings: Sequence[Recording], training: TrainingSettings) -> Trained:
    """A detector fitted on recordings, without engineering limits."""
    settings = DetectorSettings()
    lessons = [Lesson(recording, training, settings) for recording in recordings]
    return train_on(lambda: lessons, training, settings, Limits())
