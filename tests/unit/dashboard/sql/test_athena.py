"""What Athena is asked, by a stand-in that answers as its API does."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sql import athena
from dashboard.sql import engine as sql
from dashboard.sql.athena import Athena, Workgroup, as_frame, placeholders, validation
from dashboard.sql.choose_engine import athena_of
from dashboard.sql.engine import Query, QueryRefused, saved_queries, unrepeated
from petrostream.settings import Settings, variable

DAYS = (date(2017, 2, 1), date(2017, 2, 28))


class Account:
    """An Athena with one result of `rows` rows."""

    def __init__(self, rows: int = 2, states: tuple[str, ...] = ("SUCCEEDED",)) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self._rows, self._states = rows, list(states)

    def start_query_execution(self, **given: Any) -> dict[str, str]:
        self.started.append(given)
        return {"QueryExecutionId": str(len(self.started))}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        status = {"State": state, "StateChangeReason": "line 1:8: Column 'x' cannot be resolved"}
        return {"QueryExecution": {"Status": status}}

    def stop_query_execution(self, **given: Any) -> None:
        self.stopped.append(given["QueryExecutionId"])

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> Any:
        info = [{"Name": "n", "Type": "bigint"}, {"Name": "at", "Type": "timestamp"}]
        head = {"Data": [{"VarCharValue": "n"}, {"VarCharValue": "at"}]}
        row = {"Data": [{"VarCharValue": "7"}, {}]}
        for page in range(0, self._rows + 1, 1000):
            number = min(1000, self._rows + 1 - page)
            rows = [head if page + position == 0 else row for position in range(number)]
            yield {"ResultSet": {"ResultSetMetadata": {"ColumnInfo": info}, "Rows": rows}}


def engine(account: Account) -> Athena:
    return Athena(Workgroup("group", "base"), account)


def test_a_saved_query_runs_as_it_is_with_both_days() -> None:
    account, saved = Account(), saved_queries()[0]
    answer = engine(account).run(Query(saved.text, *DAYS))
    [asked] = account.started
    assert asked["QueryString"] == saved.text
    assert asked["ExecutionParameters"] == ["'2017-02-01'", "'2017-02-28'"]
    assert set(asked) == {
        *("QueryString", "QueryExecutionContext", "WorkGroup", "ExecutionParameters"),
    }, "where results go is the workgroup's to say"
    assert (asked["WorkGroup"], asked["QueryExecutionContext"]) == ("group", {"Database": "base"})
    assert answer.rows["n"].tolist() == [7, 7]
    assert answer.rows["at"].isna().all()


def test_any_other_text_is_validated_first_where_only_a_query_can_stand() -> None:
    account = Account()
    engine(account).run(Query("SELECT 1", *DAYS))
    first, second = account.started
    assert first["QueryString"].startswith("EXPLAIN (TYPE VALIDATE) SELECT * FROM (\nSELECT 1\n)")
    assert second["QueryString"] == "SELECT 1"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("SELECT 1 ; \n", "SELECT 1 "),
        ("SELECT ';' AS x", "SELECT ';' AS x"),
        ("SELECT 1;;", "SELECT 1;"),
    ],
)
def test_a_query_may_end_in_a_semicolon_as_one_for_duckdb_may(written: str, asked: str) -> None:
    account = Account()
    engine(account).run(Query(written, *DAYS))
    first, second = account.started
    assert first["QueryString"] == validation(asked)
    assert second["QueryString"] == asked


def test_what_is_no_query_is_never_started() -> None:
    account = Account(states=("FAILED",))
    with pytest.raises(QueryRefused, match="cannot be resolved"):
        engine(account).run(Query("DROP TABLE scored", *DAYS))
    assert [each["QueryString"][:7] for each in account.started] == ["EXPLAIN"]


def test_there_is_a_row_limit() -> None:
    assert engine(Account(rows=sql.MOST_ROWS)).run(Query("SELECT 1", *DAYS)).is_cut is False
    answer = engine(Account(rows=sql.MOST_ROWS + 1)).run(Query("SELECT 1", *DAYS))
    assert answer.is_cut and len(answer.rows) == sql.MOST_ROWS


def test_there_is_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "MOST_SECONDS", -1)
    account = Account(states=("RUNNING",))
    with pytest.raises(QueryRefused, match="took longer"):
        engine(account).run(Query("SELECT 1", *DAYS))
    assert account.stopped == ["1"]


def test_a_query_that_nobody_waits_for_is_stopped() -> None:
    def gone() -> None:
        raise KeyboardInterrupt

    account = Account(states=("RUNNING",))
    with pytest.raises(KeyboardInterrupt):
        engine(account).run(Query("SELECT 1", *DAYS), gone)
    assert account.stopped == ["1"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("?", 1),
        ("'?'", 0),
        ('"?" ?', 1),
        ("-- ?\n?", 1),
        ("/* ? */ ? ?", 2),
        ("'it''s?' ?", 1),
        ("'", 0),
    ],
)
def test_placeholders_are_those_outside_texts(text: str, number: int) -> None:
    assert placeholders(text) == number


def test_one_placeholder_is_refused() -> None:
    with pytest.raises(QueryRefused, match="1 question mark"):
        engine(Account()).run(Query("SELECT ?", *DAYS))


@given(st.text(alphabet="?'a", max_size=12))
def test_validation_leaves_texts_texts(inside: str) -> None:
    """What stands in quotation marks still does when question marks have gone."""
    text = inside.replace("'", "''")
    validated = validation(f"SELECT '{text}'")
    assert validated.count("'") % 2 == 0


def test_names_of_columns_are_made_unlike() -> None:
    assert unrepeated(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert unrepeated(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"]


@pytest.mark.parametrize("text", ["-0044-03-15 00:00:00.000", "+99999-01-01 00:00:00.000", "odd"])
def test_a_time_that_no_calendar_has_is_shown_as_it_is(text: str) -> None:
    kinds = [{"Name": "at", "Type": "timestamp(3)"}, {"Name": "n", "Type": "bigint"}]
    frame = as_frame(kinds, [[text, "7"], [None, None]])
    assert frame["at"][0] == text and frame["n"][0] == 7


def test_athena_is_asked_only_where_the_stack_on_aws_is_the_one(monkeypatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    settings = Settings(curated_bucket="curated")
    outputs = {"athena_workgroup": "group", "glue_database": "base"}
    stack = {"environment": {variable("curated_bucket"): "curated"}, "outputs": outputs}
    assert athena_of(stack, settings) == Workgroup("group", "base")
    assert athena_of(None, settings) is None
    assert athena_of(stack | {"outputs": {}}, settings) is None
    assert athena_of(stack, Settings(curated_bucket="another")) is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert athena_of(stack, settings) is None
