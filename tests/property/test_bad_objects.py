"""Invariant 4: a bad object never blocks the good ones beside it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from petrostream.alarms.notify import Alerts
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import QUARANTINE, REASON_SUFFIX
from petrostream.scoring.pipeline import Disposition, Pipeline

PARQUET = "application/vnd.apache.parquet"


def test_whatever_is_uploaded_is_scored_or_set_aside_with_its_reason(
    provisioned, packed: PackedModel, recordings: list[Recording]
) -> None:
    provisioned.registry.publish(packed)
    good = list(cut(recordings[0], batch_seconds=3600))
    template = encode(good[0])

    @given(
        contents=st.lists(
            st.one_of(
                st.binary(max_size=200),
                st.tuples(st.integers(0, len(template) - 1), st.integers(0, 255)),
                st.integers(0, len(template) - 1),
            ),
            min_size=1,
            max_size=4,
        )
    )
    @settings(max_examples=25)
    def check(contents: list[bytes | tuple[int, int] | int]) -> None:
        pipeline = Pipeline(
            provisioned.raw,
            provisioned.curated,
            CurrentModel(provisioned.registry),
            Alerts(provisioned.curated, provisioned.settings.topic_arn),
        )
        for number, content in enumerate(contents):
            key = f"readings/well=BAD/date=2024-01-01/BAD_{number}-20240101T000000.parquet"
            provisioned.raw.put(key, damaged(template, content), PARQUET)
            outcome = pipeline.process(RawObject(key))
            assert outcome.disposition is Disposition.QUARANTINED
            reason = provisioned.curated.get(f"{QUARANTINE}{key}{REASON_SUFFIX}", at_most=10_000)
            assert json.loads(reason.body)["reason"]
        for batch in good:
            provisioned.raw.put(batch.id.raw, encode(batch), PARQUET)
            assert pipeline.process(RawObject(batch.id.raw)).disposition is Disposition.SCORED

    check()


def damaged(template: bytes, content: bytes | tuple[int, int] | int) -> bytes:
    """Noise, a batch of another recording with one byte changed, or one that was cut off."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, int):
        return template[:content]
    position, value = content
    return template[:position] + bytes([value]) + template[position + 1 :]
