"""What drives a well's anomalies, by sensor."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from dashboard.curated.bucket import Rows
from dashboard.views.well.sensor_health import driving_shares, health_table


def test_shares_are_weighed_by_rows_and_add_up_to_one() -> None:
    texts = ["P-TPT=60% T-TPT=40%"] * 3 + ["P-TPT=100%"]
    assert driving_shares(pd.Series(texts)) == pytest.approx({"P-TPT": 0.7, "T-TPT": 0.3})


def test_rows_that_nothing_drives_have_no_shares() -> None:
    assert driving_shares(pd.Series(["", ""], dtype=object)) == {}


def test_a_sensor_that_died_before_the_shown_time_is_left_out() -> None:
    seconds = 600
    table = pd.DataFrame(
        {
            "timestamp": pd.date_range("2017-02-01", periods=seconds, freq="s", unit="us"),
            "recording": "r",
            "P-PDG": [3e7] * 100 + [np.nan] * (seconds - 100),
            "P-TPT": 1e7,
            "anomaly_flag": 0,
            "drivers": "",
            "degraded_sensors": "",
        }
    )
    shown = Rows(table).between(datetime(2017, 2, 1, 0, 5), datetime(2017, 2, 1, 0, 10))
    assert shown.sensors == ("P-TPT",)
    assert len(health_table(shown, None, {})) == 1
