"""The list of recordings behind the README's figures: well formed, and what the README says."""

import re
from pathlib import Path

from producer.download.choice import read_list

REPOSITORY = Path(__file__).parents[3]
LIST = REPOSITORY / "docs/recordings-release-1.txt"
RECORDINGS, WELLS, EVENTS = 98, 14, 27


def test_the_list_has_each_recording_once_in_order() -> None:
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))
    assert read_list(LIST).recordings == set(lines)
    assert len(lines) == RECORDINGS


def test_the_list_fits_the_words_about_it() -> None:
    named = read_list(LIST).recordings
    wells = {name.partition("/")[2].partition("_")[0] for name in named}
    assert all(re.fullmatch(r"WELL-\d{5}", well) for well in wells)
    assert len(wells) == WELLS
    assert sum(not name.startswith("0/") for name in named) >= EVENTS
    readme = (REPOSITORY / "README.md").read_text()
    [row] = [line for line in readme.splitlines() if LIST.name in line and line.startswith("|")]
    assert f"{RECORDINGS} recordings" in row and f"{WELLS} wells" in row
    assert f"{EVENTS} of {EVENTS}" in row
    assert "CC BY 4.0" in LIST.read_text()


def test_the_list_names_the_recordings_that_were_measured(real_data: Path) -> None:
    folder = real_data / "3w-v1"
    measured = {str(path.relative_to(folder).with_suffix("")) for path in folder.glob("?/*")}
    assert read_list(LIST).recordings == measured
