"""A summary says of a batch what its rows say, in its key and in its body."""

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from petrostream.detection.degraded import STATES
from petrostream.errors import PermanentError
from petrostream.schema.columns import SCORED_SCHEMA
from petrostream.schema.keys import BatchId
from petrostream.schema.sensors import FIRST_SENSORS, SENSOR_NAMES
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import Counts

FIRST = datetime(2017, 2, 1, 2, 0, 7)
BATCH = BatchId("WELL-00001", "WELL-00001_20170201020207", FIRST)
VERSION = "0123456789ab"


def rows(count: int = 120) -> pa.Table:
    """A row a second: P-PDG is missing in a tenth, P-TPT frozen in half, QGL can't be."""
    flag = np.arange(count) >= count - 10
    values: dict[str, list[object]] = {
        "timestamp": [np.datetime64(FIRST, "us") + np.timedelta64(n, "s") for n in range(count)],
        "P-PDG": [None if n < count // 10 else 2e7 + n for n in range(count)],
        "P-TPT": [1e7] * count,
        "QGL": [-5.0] * count,
        "class": [0 if n < 100 else 102 for n in range(count)],
        "recording": [BATCH.recording] * count,
        "status": ["commissioning"] * 5 + ["scored"] * (count - 5),
        "anomaly_score": [None] * 5 + [1.5 if each else 0.25 for each in flag[5:]],
        "anomaly_flag": flag.astype(int).tolist(),
        "alarm": flag.astype(int).tolist(),
        "top_sensor": ["T-TPT" if each else None for each in flag],
        "degraded_sensors": ["P-TPT=frozen" if n % 2 else "" for n in range(count)],
    }
    return pa.Table.from_arrays(
        [
            pa.array(values[field.name]).cast(field.type)
            if field.name in values
            else pa.nulls(count, field.type)
            for field in SCORED_SCHEMA
        ],
        schema=SCORED_SCHEMA,
    )


def made() -> summaries.Summary:
    return summaries.summarise(BATCH, rows(), Counts(5, 115, 0, 10), VERSION)


def figures() -> np.ndarray:
    text = made().key.rsplit("/", maxsplit=1)[1].removesuffix(".json")
    return summaries.decode([text])[0]


def test_the_key_sorts_by_date_and_time_and_names_well_and_recording() -> None:
    assert made().key.startswith(
        "summaries/date=2017-02-01/020007/WELL-00001/WELL-00001_20170201020207/"
    )


def test_the_longest_names_still_fit_into_a_key() -> None:
    longest = BatchId("W" * 120, "R" * 120, FIRST)
    key = summaries.summarise(longest, rows(), Counts(5, 115, 0, 10), VERSION).key
    assert len(key) < 1024


def test_the_key_has_the_counts_and_the_scores() -> None:
    found = figures()
    counts = [found[name] for name in ("commissioning", "scored", "unscorable", "anomalies")]
    assert counts == [5, 115, 0, 10]
    assert found["span_ms"] == 119_000
    assert found["worst"] == pytest.approx(1.5)
    assert found["worst_ms"] == 110_000
    assert found["last_alarm_ms"] == 119_000
    assert SENSOR_NAMES[found["top_sensor"]] == "T-TPT"
    assert summaries.STATUSES[found["ended"]] == "scored"
    line = summaries.score_of(found["line"])
    assert line.tolist() == pytest.approx([0.25] * 11 + [1.5])
    assert found["model"].tobytes().hex() == VERSION[:8]


def test_the_key_has_the_quality_of_every_sensor() -> None:
    packed = figures()["sensors"]
    shares = {
        name: tuple(float(each) for each in of)
        for name, *of in zip(
            SENSOR_NAMES,
            summaries.missing_share(packed),
            summaries.frozen_share(packed),
            summaries.implausible_share(packed),
            strict=True,
        )
    }
    assert shares["P-PDG"] == pytest.approx((2 / 15, 0, 0))
    assert shares["P-TPT"] == pytest.approx((0, 8 / 15, 0))
    assert shares["QGL"] == pytest.approx((0, 0, 1))
    assert shares["T-TPT"] == pytest.approx((1, 0, 0))
    last = summaries.last_state(packed)
    assert STATES[last[SENSOR_NAMES.index("P-TPT")]] == "frozen"


def test_the_key_has_the_labels() -> None:
    found = figures()["labels"].tolist()
    assert found[:2] == [(0, 100, 0), (102, 20, 10)]
    assert found[2][0] == summaries.NO_LABEL


def test_the_body_has_the_figures_of_the_sensors_that_have_readings() -> None:
    document = json.loads(made().body)
    assert document["model_version"] == VERSION
    assert set(document["sensors"]) == {"P-PDG", "P-TPT", "QGL"}
    assert document["sensors"]["P-PDG"] | {"mean": 0} == {
        "readings": 108,
        "min": 2e7 + 12,
        "max": 2e7 + 119,
        "mean": 0,
        "frozen": 0,
        "implausible": 0,
    }


def test_a_batch_without_any_score_has_no_worst() -> None:
    table = rows(5)
    text = summaries.summarise(BATCH, table, Counts(5, 0, 0, 5), "no-number").key
    found = summaries.decode([text.rsplit("/", maxsplit=1)[1].removesuffix(".json")])[0]
    assert np.isnan(found["worst"])
    assert found["worst_ms"] == summaries.NEVER
    assert np.isnan(summaries.score_of(found["line"])).all()


@pytest.mark.parametrize("text", ["", "AAAA", "!" * 192, "A" * 192])
def test_what_is_no_summary_is_refused(text: str) -> None:
    with pytest.raises(PermanentError):
        summaries.decode([text])


def know(monkeypatch: pytest.MonkeyPatch, later: int) -> None:
    """Read and write as a version does that knows so many sensors after the first generation."""
    layout = summaries.figures_layout(FIRST_SENSORS + later)
    monkeypatch.setattr(summaries, "FIGURES", np.dtype([*layout, ("groups", "u1")]))
    monkeypatch.setattr(summaries, "GROUPS", summaries.groups_of(FIRST_SENSORS + later))


@pytest.mark.parametrize("written", range(6))
@pytest.mark.parametrize("known", range(6))
def test_a_key_is_given_back_as_it_is_or_not_at_all(
    known: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two numbers of sensors may have texts of the same length: nothing is taken for whole then."""
    know(monkeypatch, written)
    before = np.zeros((), dtype=summaries.FIGURES)
    before["format"], before["groups"] = summaries.FORMAT, summaries.GROUPS
    before["sensors"] = 0x1000 + np.arange(FIRST_SENSORS + written)
    text = summaries.encode(before)
    know(monkeypatch, known)
    found = summaries.decode([text])[0]
    both = FIRST_SENSORS + min(known, written)
    assert found["sensors"][:both].tolist() == before["sensors"][:both].tolist()
    assert set(found["sensors"][both:].tolist()) <= {summaries.ABSENT}
    assert summaries.is_whole(found) == (written <= known)
    if summaries.is_whole(found):
        assert summaries.encode(found) == text
    else:
        with pytest.raises(PermanentError, match="update PetroStream"):
            summaries.encode(found)
