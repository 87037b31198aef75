"""SQL with DuckDB: the saved queries unchanged, every type shown, every fault a sentence."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.sql import duckdb_engine
from dashboard.sql.duckdb_engine import DuckDB
from dashboard.sql.engine import MOST_ROWS, Query, QueryRefused, saved_queries
from petrostream.aws.buckets import Bucket
from petrostream.errors import ServiceUnavailable
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import EVENTS, SCORED
from petrostream.schema.parquet import write_parquet
from petrostream.schema.sql_columns import scored_columns
from petrostream.scoring.totals import read_events
from tests.support.pipeline import Scoring

WELL = "WELL-90005"
ALL = (date(2010, 1, 1), date(2030, 1, 1))
NONE = (date(2011, 1, 1), date(2011, 1, 2))


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    """One well's curated objects, once a test has had them scored."""
    return {}


@pytest.fixture
def scoring(provisioned, packed: PackedModel, wells: Path, kept: dict[str, bytes]) -> Scoring:
    scoring = Scoring(provisioned, packed)
    if not kept:
        scoring.score(scoring.replay(wells, [WELL]))
        kept |= provisioned.objects(provisioned.settings.curated_bucket)
    for key, body in kept.items():
        provisioned.curated.put(key, body, "application/octet-stream")
    return scoring


@pytest.fixture
def engine(scoring: Scoring) -> DuckDB:
    return DuckDB(scoring.provisioned.curated)


def ask(engine: DuckDB, text: str, days: tuple[date, date] = ALL) -> pd.DataFrame:
    return engine.run(Query(text, *days)).rows


def test_sql_can_tell_readings_of_one_millisecond_apart(scoring: Scoring, engine: DuckDB) -> None:
    """And has the columns that Athena has."""
    key = next(iter(scoring.provisioned.curated.keys(SCORED)))
    scoring.rewrite(key, as_if_read_a_microsecond_later)
    found = ask(engine, "SELECT count(*) AS n FROM scored WHERE microseconds = 1")
    assert found["n"].tolist() == [len(scoring.curated().query("microseconds == 1"))]
    assert found["n"][0] > 0
    times = ask(engine, 'SELECT "timestamp", microseconds FROM scored ORDER BY 1, 2')
    rows = scoring.curated().sort_values("timestamp")
    assert times["timestamp"].tolist() == rows["timestamp"].dt.floor("ms").tolist()
    assert times["microseconds"].tolist() == rows["microseconds"].tolist()
    columns = list(ask(engine, "SELECT * FROM scored LIMIT 1"))
    assert columns == [*(each["name"] for each in scored_columns()), "date", "well"]


def as_if_read_a_microsecond_later(body: bytes) -> bytes:
    table = pq.ParquetFile(pa.BufferReader(body)).read(use_threads=False)
    place = table.schema.get_field_index("microseconds")
    later = pa.array([1] * table.num_rows, pa.int16())
    return write_parquet(table.set_column(place, table.schema.field(place), later))


def saved(name: str) -> str:
    return next(each.text for each in saved_queries() if each.name == name)


def test_the_saved_queries_give_what_the_curated_rows_have(
    scoring: Scoring, engine: DuckDB
) -> None:
    rows = scoring.curated()
    flagged = rows[rows["anomaly_flag"] == 1]
    anomalies = ask(engine, saved("all-anomalies"))
    assert anomalies["timestamp"].tolist() == flagged["timestamp"].tolist()[::-1]
    assert anomalies["p_tpt"].tolist() == pytest.approx(
        flagged["P-TPT"].tolist()[::-1], nan_ok=True
    )

    hours = ask(engine, saved("worst-hours"))
    assert hours["anomalies"].sum() == len(flagged)
    assert hours["anomalies"].is_monotonic_decreasing

    means = ask(engine, saved("mean-pressure-by-well"))
    assert means["readings"].sum() == (rows["status"] == "scored").sum()

    labels = ask(engine, saved("anomalies-by-label"))
    assert labels["readings"].sum() == (rows["status"] == "scored").sum()
    assert labels["anomalies"].sum() == len(flagged)

    sensors = ask(engine, saved("driving-sensors"))
    counts = flagged.groupby(["well", "top_sensor"], observed=True).size()
    assert sensors.set_index(["well", "top_sensor"])["anomalies"].to_dict() == counts.to_dict()

    alarms = ask(engine, saved("alarms-by-day"))
    assert alarms["alarms"].sum() == len(read_events(scoring.provisioned.curated)) > 0
    assert set(alarms["well"]) == {WELL}


def test_days_narrow_a_saved_query(engine: DuckDB) -> None:
    assert all(ask(engine, each.text, NONE).empty for each in saved_queries())


def test_tables_are_there_before_anything_was_scored(provisioned) -> None:
    engine = DuckDB(provisioned.curated)
    assert all(ask(engine, each.text).empty for each in saved_queries())
    assert "p_pdg" in ask(engine, "SELECT * FROM scored").columns


def test_a_query_may_be_written_in_every_way_that_reads(engine: DuckDB) -> None:
    for text in (
        "SELECT well FROM scored LIMIT 3;",
        "WITH few AS (SELECT * FROM scored LIMIT 3) SELECT well FROM few -- the last line",
        "FROM scored SELECT well LIMIT 3",
    ):
        assert ask(engine, text)["well"].tolist() == [WELL] * 3


@pytest.mark.parametrize("text", ["", "-- nothing", "SELECT ?", "SELECT nothing", "selct 1"])
def test_what_is_no_query_is_refused_with_a_sentence(engine: DuckDB, text: str) -> None:
    with pytest.raises(QueryRefused) as told:
        ask(engine, text)
    assert 10 < len(str(told.value)) < 500


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("7::HUGEINT", 7.0),
        ("1.5::DECIMAL(9, 2)", 1.5),
        ("union_value(k := 1)", "1"),
        ("DATE '-0044-03-15'", "0045-03-15 (BC)"),
        ("'infinity'::DATE", "infinity"),
        ("'-infinity'::TIMESTAMP", "-infinity"),
        ("TIMESTAMP '0001-01-01'", pd.Timestamp("0001-01-01")),
        ("TIMESTAMPTZ '2017-02-01 10:00:00+02:00'", pd.Timestamp("2017-02-01 08:00")),
        ("INTERVAL 1 DAY", "1 day"),
        ("[DATE '-0044-03-15']", "['0045-03-15 (BC)']"),
        ("{'a': 1}", "{'a': 1}"),
        ("MAP {1: 2}", "{1=2}"),
        ("'\\xAB'::BLOB", "\\xAB"),
        ("'101'::BIT", "101"),
        ("TIME '10:00'", "10:00:00"),
        ("'b'::ENUM('a', 'b')", "b"),
        ("12345678901234567890123::BIGNUM", "12345678901234567890123"),
    ],
)
def test_every_type_is_shown(engine: DuckDB, expression: str, shown: object) -> None:
    rows = ask(engine, f"SELECT {expression} AS x, ';' AS y FROM range(3) LIMIT 1; -- the end;")
    assert rows["x"].tolist() == [shown]
    assert rows.to_csv()


def test_names_of_columns_may_stand_twice(engine: DuckDB) -> None:
    assert ask(engine, 'SELECT 1 AS a, 2 AS a, 3 AS "a (2)"').columns.is_unique


def test_the_order_of_a_query_holds_where_a_type_is_changed_for_the_grid(engine: DuckDB) -> None:
    rows = ask(
        engine, f"SELECT INTERVAL 1 DAY AS i, range AS n FROM range({10**6}) ORDER BY n DESC"
    )
    assert rows["n"].is_monotonic_decreasing and rows["n"][0] == 10**6 - 1


def test_what_describes_the_tables_is_shown(engine: DuckDB) -> None:
    assert ask(engine, "SHOW TABLES")["name"].tolist() == ["events", "scored"]
    assert "p_tpt" in ask(engine, "DESCRIBE scored")["column_name"].tolist()
    assert len(ask(engine, "SUMMARIZE SELECT score FROM (SELECT 1 AS score)")) == 1


def test_a_table_by_another_way_than_its_name_is_not_silently_empty(engine: DuckDB) -> None:
    with pytest.raises(QueryRefused, match="has to name scored"):
        ask(engine, "SELECT * FROM query('SELECT * FROM sco' || 'red')")


def test_there_is_a_row_limit(engine: DuckDB) -> None:
    answer = engine.run(Query(f"SELECT * FROM range({MOST_ROWS + 1})", *ALL))
    assert answer.is_cut and len(answer.rows) == MOST_ROWS
    assert not engine.run(Query(f"SELECT * FROM range({MOST_ROWS})", *ALL)).is_cut
    assert engine.run(Query("SELECT * FROM range(1000000000000)", *ALL)).is_cut


def test_there_is_a_time_limit(engine: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_engine, "MOST_SECONDS", 1)
    with pytest.raises(QueryRefused, match="took longer than 1 s"):
        ask(engine, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")


def test_an_object_that_is_half_written_is_named(scoring: Scoring, engine: DuckDB) -> None:
    bad = sorted(scoring.provisioned.curated.keys(SCORED))[1]
    scoring.rewrite(bad, lambda body: body[: len(body) // 2])
    with pytest.raises((QueryRefused, ServiceUnavailable), match=bad.rpartition("/")[2]):
        ask(engine, "SELECT sum(p_tpt) FROM scored")


def test_an_endpoint_that_has_gone_is_told_from_a_bad_query(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(ServiceUnavailable):
        ask(DuckDB(Bucket("curated")), "SELECT count(*) FROM scored")


def test_events_of_a_later_version_are_read(scoring: Scoring, engine: DuckDB) -> None:
    key = next(iter(scoring.provisioned.curated.keys(EVENTS)))
    scoring.rewrite(key, lambda body: body.replace(b'"opens":', b'"later":{"a":1},"opens":'))
    assert len(ask(engine, "SELECT runs FROM events"))


def test_an_object_that_was_replaced_is_read_anew(scoring: Scoring, engine: DuckDB) -> None:
    text = "SELECT count(runs) AS n FROM events"
    key = next(iter(scoring.provisioned.curated.keys(EVENTS)))
    before = ask(engine, text)["n"][0]
    scoring.rewrite(key, lambda body: body.replace(b'"runs":[', b'"others":['))
    assert ask(engine, text)["n"][0] == before - 1
