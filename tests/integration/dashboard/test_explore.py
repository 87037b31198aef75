"""The page Explore: saved queries, a text of one's own, and what is wrong with it."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sql.engine import saved_queries
from dashboard.views.explore.page import chart_columns, result_chart
from petrostream.registry.model_files import PackedModel
from tests.support.pages import looked_at, visit
from tests.support.pipeline import Scoring

pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")

WELL = "WELL-90005"


@pytest.fixture
def scoring(provisioned, packed: PackedModel, wells: Path) -> Scoring:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [WELL]))
    return scoring


def run(page: AppTest) -> AppTest:
    [button] = [each for each in page.button if each.label == "Run"]
    return looked_at(button.click().run())


def result(page: AppTest) -> pd.DataFrame:
    return page.dataframe[-1].value


def test_a_saved_query_of_the_address_runs_for_all_days(scoring: Scoring) -> None:
    page = visit("explore", query="worst-hours")
    assert (
        page.text_area[0].value == {each.name: each.text for each in saved_queries()}["worst-hours"]
    )
    assert "sql" not in page.query_params
    page = run(page)
    rows = scoring.curated()
    assert result(page)["anomalies"].sum() == rows["anomaly_flag"].sum()
    assert page.get("vega_lite_chart")


def test_days_of_the_address_narrow_it(scoring: Scoring) -> None:
    page = run(
        visit("explore", query="all-anomalies", **{"from": "2011-01-01", "to": "2011-01-02"})
    )
    assert "no rows for these days" in page.info[0].value
    assert page.query_params["to"] == "2011-01-02"


def test_a_text_of_ones_own_stands_in_the_address(scoring: Scoring) -> None:
    page = visit("explore", query="own", sql="SELECT count(*) AS n FROM scored")
    page = run(page)
    assert result(page)["n"].tolist() == [len(scoring.curated())]
    page.text_area[0].set_value("SELECT 7 AS seven").run()
    assert looked_at(page).query_params["sql"] == "SELECT 7 AS seven"
    assert result(run(page))["seven"].tolist() == [7]


def test_another_saved_query_takes_the_place_of_the_text(scoring: Scoring) -> None:
    page = visit("explore", query="own", sql="SELECT 1")
    page.selectbox(key="query of this page").select("all-anomalies").run()
    assert "anomaly_flag = 1" in looked_at(page).text_area[0].value
    assert "sql" not in page.query_params


@pytest.mark.parametrize("text", ["selct", "SELECT x FROM scored", "DROP TABLE scored", "SELECT ?"])
def test_what_is_wrong_with_it_is_a_sentence(scoring: Scoring, text: str) -> None:
    page = run(visit("explore", query="own", sql=text))
    assert "was not answered" in page.error[0].value
    assert len(page.code[0].value) > 10


def test_a_days_parameter_that_is_none_is_passed_over(scoring: Scoring) -> None:
    page = visit("explore", **{"from": "yesterday", "to": "9999-99-99", "query": "<b>"})
    assert page.query_params["from"] == "2024-01-01"


def test_what_can_be_drawn_is_found_out() -> None:
    rows = pd.DataFrame(
        {
            "at": pd.to_datetime(["2024-01-01"] * 2),
            "well": ["a", "b"],
            "n": [1, 2],
            "f": [0.5, None],
        }
    )
    across, up, colours = chart_columns(rows)
    assert across[0] == "at" and up == ["n", "f"] and "well" in colours
    for x, y, colour in (("at", "n", "well"), ("well", "f", None), ("n", "f", None)):
        assert result_chart(rows, x, y, colour).to_dict()
    assert chart_columns(pd.DataFrame({"well": ["a"]})) == (["well"], [], ["well"])
