"""What was scored lately against what training saw."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml.__main__ import main
from petrostream.alarms.notify import Alerts
from petrostream.ingest.batches import Batch, cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.columns import ALARM, ANOMALY_SCORE, CLASS
from petrostream.schema.keys import SCORED
from petrostream.scoring.pipeline import Disposition, Pipeline

PARQUET = "application/vnd.apache.parquet"


@pytest.fixture
def quiet(recordings: list[Recording]) -> list[Recording]:
    """The made-up wells without a fault."""
    return [one for one in recordings if pc.max(one.table.column(CLASS)).as_py() == 0]


@pytest.fixture
def scored(provisioned, packed: PackedModel, quiet: list[Recording]):
    """Those wells, which the model was trained on, scored."""
    provisioned.registry.publish(packed)
    pipeline = Pipeline(
        provisioned.raw,
        provisioned.curated,
        CurrentModel(provisioned.registry),
        Alerts(provisioned.curated, provisioned.settings.topic_arn, provisioned.clients.sns),
    )
    for recording in quiet:
        for batch in cut(recording, batch_seconds=3600):
            provisioned.raw.put(batch.id.raw, encode(batch), PARQUET)
            pipeline.process(RawObject(batch.id.raw))
    return provisioned


def move(provisioned, wells: set[str], by: float) -> None:
    """Move P-TPT of some wells' curated rows, quietly."""
    for key, body in provisioned.objects(provisioned.curated.name, SCORED).items():
        if not any(f"well={well}/" in key for well in wells):
            continue
        table = pq.read_table(io.BytesIO(body))
        for name, values in (
            ("P-TPT", pa.array(table.column("P-TPT").to_numpy() + by)),
            (ALARM, pa.array(np.zeros(table.num_rows, dtype=np.int8))),
        ):
            table = table.set_column(table.schema.get_field_index(name), name, values)
        sink = io.BytesIO()
        pq.write_table(table, sink)
        provisioned.curated.put(key, sink.getvalue(), PARQUET)


def test_wells_as_training_knew_them_need_nothing(
    scored, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drift"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_one_well_that_moved_away_is_to_be_recommissioned(
    scored, quiet: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    move(scored, {quiet[0].well}, 4e6)
    assert main(["drift"]) == 4
    said = capsys.readouterr().out
    assert f"{quiet[0].well}  P-TPT" in said
    assert f"recommission {quiet[0].well} once" in said


def test_many_wells_that_moved_away_say_retrain(
    scored, quiet: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    move(scored, {recording.well for recording in quiet}, 4e6)
    assert main(["drift"]) == 5
    assert "retrain" in capsys.readouterr().out


def test_without_anything_scored_it_says_so(
    provisioned, packed: PackedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    provisioned.registry.publish(packed)
    assert main(["drift"]) == 2
    assert "nothing has been scored yet" in capsys.readouterr().err


def test_a_recommissioned_well_is_measured_from_its_new_profile(
    provisioned, packed: PackedModel, quiet: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    provisioned.registry.publish(packed)
    recording = moved_after_an_hour(quiet[0])
    batches = list(cut(recording, batch_seconds=1800))

    def score(some: list[Batch]) -> None:
        pipeline = Pipeline(
            provisioned.raw,
            provisioned.curated,
            CurrentModel(provisioned.registry),
            Alerts(provisioned.curated, provisioned.settings.topic_arn, provisioned.clients.sns),
        )
        for batch in some:
            provisioned.raw.put(batch.id.raw, encode(batch), PARQUET)
            assert pipeline.process(RawObject(batch.id.raw)).disposition is Disposition.SCORED

    score(batches[:2])
    provisioned.raw.put(batches[2].id.raw, encode(batches[2]), PARQUET)
    assert main(["recommission", recording.well]) == 2
    assert "still wait to be scored" in capsys.readouterr().err
    score(batches[:3])
    before = provisioned.objects(provisioned.curated.name, SCORED)
    assert main(["recommission", recording.well]) == 0
    assert "has a new profile" in capsys.readouterr().out
    score(batches)
    after = provisioned.objects(provisioned.curated.name, SCORED)
    assert {key: after[key] for key in before} == before, "what was scored stays"
    newest = pq.read_table(io.BytesIO(after[batches[3].id.scored]))
    late = newest.column(ANOMALY_SCORE).to_numpy()[-600:]
    old = pq.read_table(io.BytesIO(after[batches[2].id.scored])).column(ANOMALY_SCORE).to_numpy()
    assert late.max() < old[-600:].min()


def test_a_well_that_nobody_knows_is_not_recommissioned(
    provisioned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommission", "WELL-12345"]) == 2
    assert "nothing of WELL-12345" in capsys.readouterr().err


def moved_after_an_hour(recording: Recording) -> Recording:
    """The recording with P-TPT lower from its second hour on."""
    values = recording.table.column("P-TPT").to_numpy().copy()
    values[3600:] -= 2e6
    position = recording.table.schema.get_field_index("P-TPT")
    table = recording.table.set_column(position, "P-TPT", pa.array(values, from_pandas=True))
    return Recording(recording.well, recording.recording, table)
