"""What is written of a batch's events can be read again, up to the worst batch that is legal."""

from dataclasses import replace

import pytest

from petrostream.alarms import events
from petrostream.alarms.events import Event
from petrostream.detection.parameters import DetectorSettings
from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import LONGEST_DAYS, MAX_ROWS
from petrostream.schema.columns import SECOND
from petrostream.schema.sensors import SENSOR_NAMES

GAP = DetectorSettings().merge_gap_seconds
LATE = 7_000_000_000 * SECOND
WORST = LONGEST_DAYS * 86_400 // GAP + 1
"""So many runs lie in the longest batch, each a merge gap behind the one before."""


def runs(number: int, gap_seconds: int) -> list[Event]:
    """Runs of the longest names, each with every sensor and both limits of each."""
    rows = MAX_ROWS // number
    ends = ("<low", ">high")
    run = Event(
        well="W" * 120,
        recording="R" * 120,
        start=LATE,
        end=LATE,
        peak=LATE,
        peak_score=-1.2345678901234567e-100,
        rows=rows,
        sensors=dict.fromkeys(sorted(SENSOR_NAMES), 100 * rows),
        limits=dict.fromkeys(
            (f"{name}{end}" for name in sorted(SENSOR_NAMES) for end in ends), rows
        ),
        opens=False,
    )
    times = [LATE + place * gap_seconds * SECOND for place in range(number)]
    return [replace(run, start=time, peak=time, end=time) for time in times]


def test_the_worst_document_that_is_written_is_read() -> None:
    written = runs(WORST, GAP)
    body = events.to_json(written, model_version="v" * 120, gap_seconds=GAP)
    assert events.from_json(body) == (written, GAP)


def test_what_would_not_be_read_is_not_written() -> None:
    """A model with a short merge gap may find a run in each minute."""
    with pytest.raises(InvalidBatch, match=r"^its 14000 stretches .* shorter batches$"):
        events.to_json(runs(14_000, 60), model_version="v", gap_seconds=60)
    few = replace(runs(1, GAP)[0], sensors={"P-TPT": 1}, limits={})
    with pytest.raises(InvalidBatch, match="shorter batches"):
        events.to_json([few] * 40_000, model_version="v", gap_seconds=60)
    body = events.to_json(
        [replace(few, well="W", recording="R")] * 38_000, model_version="v", gap_seconds=60
    )
    assert len(events.from_json(body)[0]) == 38_000
