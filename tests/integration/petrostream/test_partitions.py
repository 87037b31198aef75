"""SQL finds every well that was scored, whatever it is called and whenever its tables were made."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.sql.duckdb_engine import DuckDB
from dashboard.sql.engine import Query
from petrostream.alarms.notify import Alerts
from petrostream.aws.partitions import Partitions, stored_days
from petrostream.errors import ServiceUnavailable
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import EVENTS, SCORED
from petrostream.scoring.pipeline import Disposition, Pipeline
from tests.support.catalog import DATABASE, make_tables, partitions

if TYPE_CHECKING:
    from tests.conftest import Provisioned

NAMES = ("WELL-00001", "WELL-00043", "7-ABL-1HP-RJS", "p_51.north~2", "a")
EVERY_WELL = Query("SELECT DISTINCT well FROM scored", date(2010, 1, 1), date(2030, 1, 1))


@pytest.fixture
def glue(provisioned: "Provisioned") -> Any:
    return make_tables(provisioned.settings.curated_bucket)


def pipeline(provisioned: "Provisioned", database: str = DATABASE) -> Pipeline:
    return Pipeline(
        provisioned.raw,
        provisioned.curated,
        CurrentModel(provisioned.registry),
        Alerts(provisioned.curated, provisioned.settings.topic_arn, provisioned.clients.sns),
        Partitions(database),
    )


@pytest.fixture
def uploaded(
    provisioned: "Provisioned", packed: PackedModel, recordings: list[Recording]
) -> list[str]:
    """The first batch of a well of each name."""
    provisioned.registry.publish(packed)
    batches = [next(cut(replace(recordings[0], well=name))) for name in NAMES]
    for batch in batches:
        provisioned.raw.put(batch.id.raw, encode(batch), "application/vnd.apache.parquet")
    return [batch.id.raw for batch in batches]


def test_no_scored_well_is_missing_whatever_its_name(
    provisioned: "Provisioned", glue: Any, uploaded: list[str]
) -> None:
    scoring = pipeline(provisioned)
    for key in uploaded:
        assert scoring.process(RawObject(key)).disposition is Disposition.SCORED
    by_duckdb = set(DuckDB(provisioned.curated).run(EVERY_WELL).rows["well"])
    assert by_duckdb == set(NAMES)
    for table, prefix in (("scored", SCORED), ("events", EVENTS)):
        found = partitions(glue, table)
        assert {day.split()[0] for day in found} == by_duckdb
        for day, stands in found.items():
            well, of_date = day.split()
            folder = f"{prefix}well={well}/date={of_date}/"
            assert stands["Location"] == f"s3://{provisioned.curated.name}/{folder}"
            assert table == "events" or any(provisioned.curated.keys(folder))
    assert len(next(iter(partitions(glue, "scored").values()))["Columns"]) > 28


def test_a_batch_comes_back_until_sql_finds_it(
    provisioned: "Provisioned", glue: Any, uploaded: list[str]
) -> None:
    glue.delete_table(DatabaseName=DATABASE, Name="events")
    scoring = pipeline(provisioned)
    found = provisioned.raw.look_up(uploaded[1])
    assert found is not None
    raw = RawObject(found.key, etag=found.etag)
    with pytest.raises(ServiceUnavailable, match=r"SQL table petrostream\.events"):
        scoring.process(raw)
    assert any(provisioned.curated.keys(f"{SCORED}well={NAMES[1]}/"))
    glue.delete_database(Name=DATABASE)
    glue = make_tables(provisioned.curated.name)
    again = scoring.process(raw, redelivered=True)
    assert again.disposition is Disposition.ALREADY_SCORED
    assert partitions(glue, "scored").keys() == partitions(glue, "events").keys() != set()


def test_what_was_scored_before_the_tables_were_made_is_announced_once(
    provisioned: "Provisioned", glue: Any, uploaded: list[str]
) -> None:
    unannounced = pipeline(provisioned, database="")
    for key in uploaded:
        unannounced.process(RawObject(key))
    assert partitions(glue, "scored") == {}
    days = list(stored_days(provisioned.curated, SCORED))
    assert sorted(well for well, _ in days) == sorted(NAMES)
    assert Partitions(DATABASE).announce_all(days) == 2 * len(NAMES)
    assert Partitions(DATABASE).announce_all(days) == 0


def test_more_days_than_one_call_takes(glue: Any) -> None:
    days = [("WELL-1", f"20{number // 12:02}-{number % 12 + 1:02}-01") for number in range(250)]
    assert Partitions(DATABASE).announce_all(days) == 500
    assert len(partitions(glue, "scored")) == 250


def test_an_answer_that_refuses_a_partition_is_no_success() -> None:
    class Refusing:
        def get_table(self, **_: Any) -> Any:
            return {"Table": {"StorageDescriptor": {"Location": "s3://b/scored/"}}}

        def batch_create_partition(self, **_: Any) -> Any:
            detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "try again"}
            return {"Errors": [{"PartitionValues": ["W", "2017-02-01"], "ErrorDetail": detail}]}

    partitions = Partitions(DATABASE, Refusing())
    for _ in range(2):  # it is not kept in mind either
        with pytest.raises(ServiceUnavailable, match=r"W/2017-02-01.*InternalServiceException"):
            partitions.announce("W", "2017-02-01")
