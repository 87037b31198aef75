"""The report's page, of an evaluation made by hand."""

import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from ml.evaluation import leave_one_well_out
from ml.evaluation.instances import Instance
from ml.evaluation.protocol import Evaluation
from ml.evaluation.report.page import render
from ml.evaluation.verdicts import Alarm, Verdict
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import CLASS, SECOND, TIMESTAMP, TIMESTAMP_TYPE

START = 1_700_000_000 * SECOND
NORMAL_ROWS, FAULT_ROWS = 1500, 600
NAME = "WELL-00001_<i>&1"
OTHER = "comparator<b>"
BENCHMARK2 = {
    "instances": 1,
    "mean_f1": 0.9,
    "sd_f1": 0.1,
    "published": {"isolation_forest": 0.727},
    "comparators": {OTHER: {"mean_f1": 0.8, "sd_f1": 0.2}},
}


def instance(name: str, fault: int, readings: np.ndarray | None = None) -> Instance:
    """A normal stretch, and then one of a fault (or more of the normal one)."""
    rows = NORMAL_ROWS + FAULT_ROWS
    if readings is None:
        readings = np.random.default_rng(1).normal(1e7, 1e4, rows)
    table = pa.table(
        {
            TIMESTAMP: pa.array(START + np.arange(rows) * SECOND).cast(TIMESTAMP_TYPE),
            "P-TPT": pa.array(readings, from_pandas=True),
            CLASS: pa.array(np.repeat([0, fault], [NORMAL_ROWS, FAULT_ROWS]), pa.int16()),
        }
    )
    return Instance.of(Recording(name.split("_", maxsplit=1)[0], name, table))


def verdict(*spans: tuple[int, int]) -> Verdict:
    """Alarms from row to row; the score is over its limit in them."""
    rows = NORMAL_ROWS + FAULT_ROWS
    score = np.full(rows, 0.3)
    for first, last in spans:
        score[first : last + 1] = 2.0
    alarms = (
        Alarm(START + first * SECOND, START + last * SECOND, ("P-TPT",)) for first, last in spans
    )
    return Verdict(score, score >= 1, tuple(alarms))


def page(
    *pairs: tuple[Instance, Verdict], simulated: tuple[Instance, Verdict] | None = None
) -> str:
    verdicts = {one.name: said for one, said in pairs}
    return render(
        Evaluation(
            instances=tuple(one for one, _ in pairs),
            verdicts={leave_one_well_out.NAME: verdicts, OTHER: verdicts},
            simulated=(simulated,) if simulated else (),
            benchmark2=BENCHMARK2,
            comparators=(OTHER,),
        )
    )


class _Reader(HTMLParser):
    """The words of a page, and its elements that must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> str:
    """The page's words; each element is closed where it should be."""
    reader = _Reader()
    reader.feed(html)
    assert reader.open == []
    return " ".join(" ".join(reader.words).split())


FOUND = verdict((NORMAL_ROWS + 60, NORMAL_ROWS + 300))


def test_names_are_words_wherever_they_stand() -> None:
    html = page((instance(NAME, 2), FOUND))
    assert "<i>" not in html
    assert "comparator<b>" not in html
    words = read(html)
    assert f"{NAME}, AUC" in words
    assert f"sensors, score and alarms of {NAME}" in words
    assert f"Benchmark 2: 0.100 above {OTHER}" in words


def test_pictures_are_drawn_and_not_spelled_out() -> None:
    html = page((instance(NAME, 2), FOUND))
    assert "&lt;svg" not in html
    assert html.count("<svg") == 4


def test_an_event_says_what_became_of_it() -> None:
    words = read(
        page((instance("WELL-00001_1", 2), FOUND), (instance("WELL-00002_1", 5), verdict()))
    )
    assert "1 of 2 events found" in words
    assert "rapid productivity loss: not found WELL-00002_1, AUC 0.500, 0 false alarms" in words
    assert "Alarms: none." in words
    assert "spurious closure of DHSV: found after 60 s WELL-00001_1" in words
    assert "Alarms: after 26.0 min for 4.0 min, driven by P-TPT." in words
    assert words.index("WELL-00002_1, AUC") < words.index("WELL-00001_1, AUC")
    assert "Simulated and drawn" not in words


def test_the_first_six_alarms_are_told() -> None:
    alarms = verdict(
        *((NORMAL_ROWS + 20 * place, NORMAL_ROWS + 20 * place + 5) for place in range(8))
    )
    assert "driven by P-TPT; and 2 more." in read(page((instance("WELL-00001_1", 2), alarms)))


def test_false_alarms_without_a_fault_and_simulated_recordings_have_their_place() -> None:
    words = read(
        page(
            (instance("WELL-00001_1", 2), FOUND),
            (instance("WELL-00002_1", 0), verdict((1000, 1010))),
            simulated=(instance("SIMULATED_00001", 2), FOUND),
        )
    )
    assert "Instances without a fault that had false alarms" in words
    assert "normal operation: 1 false alarm WELL-00002_1" in words
    assert "counted nowhere else: 1 of 1 events found, 0 false alarms" in words


@pytest.mark.parametrize("missing", [slice(None), slice(600, 1800)])
def test_missing_readings_leave_a_gap(missing: slice) -> None:
    readings = np.full(NORMAL_ROWS + FAULT_ROWS, 1e7)
    readings[missing] = np.nan
    html = page((instance("WELL-00001_1", 2, readings), FOUND))
    (lines,) = [re.findall(r'd="([^"]*)" class="reading"', html)]
    pieces = [line.count("M") for line in lines]
    assert pieces == ([] if missing == slice(None) else [2])
