"""No name that a well or a recording may have makes a key that stands for something else."""

from datetime import datetime
from itertools import product

import pytest

from petrostream.errors import InvalidBatch
from petrostream.schema.keys import (
    REASON_SUFFIX,
    BatchId,
    alert_key,
    annotation_key,
    claim_key,
    parse_batch_key,
    profile_key,
    quarantine_key,
    recommissioned_key,
)

SECOND = datetime(2017, 2, 1)
PARTS = (
    "A",
    ".recommissioned",
    ".recommissioned.json",
    ".json",
    ".parquet",
    REASON_SUFFIX,
    "-20170201T000000",
    ".parquet.reason",
)


def names() -> list[str]:
    """Names made of what keys have behind names."""
    return [f"A{''.join(parts)}" for length in range(4) for parts in product(PARTS, repeat=length)]


def is_allowed(batch: BatchId) -> bool:
    try:
        return parse_batch_key(batch.raw) == batch
    except InvalidBatch:
        return False


def keys(batch: BatchId) -> dict[str, str]:
    """All keys in which a batch's names stand."""
    well, recording, start = batch.well, batch.recording, batch.first_second
    return {
        "raw": batch.raw,
        "scored": batch.scored,
        "events": batch.events,
        "summary": batch.summary("figures"),
        "claim": claim_key(well, recording),
        "profile": profile_key(well, recording),
        "recommissioned": recommissioned_key(well, recording),
        "alert": alert_key(well, recording, start),
        "annotation": annotation_key(well, recording, start, "name"),
        "set aside": quarantine_key(batch.raw),
        "reason": f"{quarantine_key(batch.raw)}{REASON_SUFFIX}",
    }


def test_each_key_stands_for_one_thing() -> None:
    batches = [BatchId("A", name, SECOND) for name in names()]
    batches += [BatchId(name, "A", SECOND) for name in names() if name != "A"]
    allowed = [batch for batch in batches if is_allowed(batch)]
    assert len(allowed) > len(batches) * 3 // 4
    made: dict[str, tuple[str, BatchId]] = {}
    for batch in allowed:
        for kind, key in keys(batch).items():
            assert made.setdefault(key, (kind, batch)) == (kind, batch), key


def test_a_recording_named_as_the_list_of_profiles_is_refused_in_a_sentence() -> None:
    taken = BatchId("A", "A_1.recommissioned", SECOND)
    with pytest.raises(InvalidBatch, match=r"'A_1\.recommissioned' ends in .* another name$"):
        parse_batch_key(taken.raw)
    assert parse_batch_key(taken.scored) == taken, "an earlier release has scored it"
