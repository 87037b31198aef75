"""`petrostream evaluate`, from a folder of made-up wells to table, JSON and page."""

import json
import re
import shutil
from pathlib import Path

import pytest

from ml.__main__ import main
from producer.synthesise import synthesise, write

FIGURES = {
    "protocol", "recordings", "events", "events_found", "event_recall", "false_alarms",
    "normal_well_days", "false_alarms_per_well_day", "median_detection_delay_s",
    "p90_detection_delay_s", "mean_auc", "row_precision", "row_recall", "row_f1",
    "rows_unscorable", "by_class",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, wells: Path) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    options = ["--json", str(folder / "figures.json"), "--report", str(folder / "report")]
    assert main(["evaluate", str(wells), *options]) == 0
    return folder


def test_the_json_has_the_agreed_keys(outcome: Path) -> None:
    document = json.loads((outcome / "figures.json").read_text())
    assert set(document) == FIGURES | {"comparators", "benchmark2"}
    assert {"raw-forest", "paper-forest", "local-outlier-factor", "root-mean-square"} <= set(
        document["comparators"]
    )
    for comparator in document["comparators"].values():
        assert set(comparator) == FIGURES
        assert comparator["events"] == document["events"]
        assert comparator["normal_well_days"] == document["normal_well_days"]
    benchmark2 = document["benchmark2"]
    assert {"instances", "mean_f1", "sd_f1", "published", "comparators"} == set(benchmark2)
    assert document["recordings"] == 6
    assert 0 <= document["events_found"] <= document["events"]
    assert document["protocol"] == "leave-one-well-out"


def test_the_page_needs_nothing_but_itself_and_shows_each_event(outcome: Path) -> None:
    page = (outcome / "report" / "index.html").read_text()
    assert not re.search(r"https?://|<script|<link|src=|url\(", page)
    document = json.loads((outcome / "figures.json").read_text())
    assert page.count('class="event') >= document["events"]
    assert page.count("<svg") == page.count("</svg>")


def test_the_same_data_gives_the_same_figures(
    outcome: Path, wells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again.json"
    assert main(["evaluate", str(wells), "--json", str(again)]) == 0
    assert again.read_bytes() == (outcome / "figures.json").read_bytes()
    printed = capsys.readouterr()
    assert "petrostream" in printed.out
    assert "WELL-90001" in printed.err


def test_a_limit_leaves_so_many_recordings(wells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(wells), "--limit=1"]) == 2
    assert "of 1 real well" in capsys.readouterr().err


def test_one_well_is_too_few(
    wells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in wells.rglob("WELL-90002*.parquet"):
        (tmp_path / path.parent.name).mkdir()
        shutil.copy(path, tmp_path / path.parent.name)
    assert main(["evaluate", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "two or more" in said
    assert len(said.splitlines()) == 1


def test_wells_without_an_event_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(synthesise(seed=1, wells=2, hours=1, faults=()), tmp_path)
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "is an event" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_a_place_that_can_not_be_written_is_said_before_the_work(
    wells: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["evaluate", str(wells), option, str(tmp_path / "file" / "below")]) == 2
    said = capsys.readouterr()
    assert "can't be written" in said.err
    assert "trained on" not in said.err
