"""Decision records: each in the index, with the same status."""

import re

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.docs._documents import Document, document, documents

RECORDS = [page for page in documents() if re.match(r"docs/decisions/\d{4}-", page.name)]
ROW = re.compile(r"^\| (\d+) \| \[(.+)\]\((\d{4}-[\w-]+\.md)\) \| (.+) \|$", re.MULTILINE)
STATUS = re.compile(r"(accepted|superseded by \[\d+\]\(\S+\))(, amended by .+)?")


def test_the_index_has_each_record_once_in_order() -> None:
    rows = ROW.findall(document("docs/decisions/README.md").text)
    assert [file for _number, _title, file, _status in rows] == [
        record.path.name for record in RECORDS
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.path.name)
def test_title_and_status_are_those_of_the_index(record: Document) -> None:
    title, _, status = record.text.splitlines()[:3]
    number = int(record.path.name[:4])
    assert title.startswith(f"# {number}. ")
    assert status.startswith("Status: ")
    said = status.removeprefix("Status: ").removesuffix(".")
    assert STATUS.fullmatch(said), said
    row = (str(number), title.removeprefix(f"# {number}. "), record.path.name, said)
    assert row in ROW.findall(document("docs/decisions/README.md").text)


def test_no_number_is_taken_twice() -> None:
    numbers = [record.path.name[:4] for record in RECORDS]
    assert len(set(numbers)) == len(numbers)
    assert (PROJECT_ROOT / "docs/decisions").is_dir()
