"""What drives a well's anomalies, by sensor."""

import pandas as pd
import pytest

from dashboard.health import driving_shares


def test_shares_are_weighed_by_rows_and_add_up_to_one() -> None:
    texts = ["P-TPT=60% T-TPT=40%"] * 3 + ["P-TPT=100%"]
    assert driving_shares(pd.Series(texts)) == pytest.approx({"P-TPT": 0.7, "T-TPT": 0.3})


def test_rows_that_nothing_drives_have_no_shares() -> None:
    assert driving_shares(pd.Series(["", ""], dtype=object)) == {}
