"""How commands are run: exit codes, sentences, one JSON object, Ctrl-C, a closed pipe."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from console.answers import Answer, child_output
from console.options import Later, json_file_option, json_option
from console.speech import note, report_unread, say
from console.verbs import Verbs, run, verb
from petrostream.errors import ServiceUnavailable, UsageError
from petrostream.settings import PROJECT_ROOT


def program(work: Callable[[], Answer | int]) -> Verbs:
    @verb("work", "program work", interrupted="all of it is gone")
    @json_option
    def work_() -> Answer | int:
        """Work."""
        return work()

    return Verbs("A program.", {"Commands": (work_,)})


def answer() -> Answer:
    say("a sentence")
    note("a note")
    return Answer({"rows": 3}, 4)


def raising(error: BaseException) -> Callable[[], Answer]:
    def work() -> Answer:
        raise error

    return work


def test_an_answer_is_sentences_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(answer), ["work"], name="program") == 4
    assert capsys.readouterr() == ("a sentence\n", "a note\n")


def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(answer), ["work", "--json"], name="program") == 4
    said = capsys.readouterr()
    assert json.loads(said.out) == {"rows": 3}
    assert said.err == "a sentence\na note\n"


def test_a_child_process_keeps_to_standard_error_too() -> None:
    given = []

    def work() -> Answer:
        given.append(child_output())
        return Answer({})

    assert run(program(work), ["work"], name="program") == 0
    assert run(program(work), ["work", "--json"], name="program") == 0
    assert given == [None, sys.__stderr__]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("name a folder"), 2, "error: name a folder\n"),
        (ServiceUnavailable("no answer"), 1, "error: no answer\n"),
        (KeyboardInterrupt(), 130, "interrupted: all of it is gone\n"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_goes_wrong_is_a_sentence_and_a_code(
    error: BaseException,
    code: int,
    sentence: str,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(program(raising(error)), ["work", *options], name="program") == code
    assert capsys.readouterr() == ("", sentence)


def test_a_fault_of_the_programs_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(program(raising(ZeroDivisionError())), ["work"], name="program")


def test_files_that_could_not_be_read_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_unread([]) == 0
    assert report_unread(["b.csv: empty", "a.csv: empty", "b.csv: empty"]) == 3
    assert capsys.readouterr().err == "not read: a.csv: empty\nnot read: b.csv: empty\n"


@pytest.mark.parametrize(
    ("options", "file", "is_json"),
    [
        ([], None, False),
        (["--json"], "-", True),
        (["--json", "-"], "-", True),
        (["--json", "x.json"], "x.json", False),
    ],
)
def test_json_goes_into_a_file_where_one_is_named(
    options: list[str], file: str | None, is_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    @verb("work", "work")
    @json_file_option
    def work(json_file: str | None) -> Answer:
        """Work."""
        return Answer({"file": json_file}) if json_file == file else Answer({}, 1)

    assert run(work, options, name="work") == 0
    assert bool(capsys.readouterr().out) is is_json


def test_a_default_is_looked_up_when_it_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def find() -> int:
        asked.append(1)
        return 7

    @verb("work", "work")
    @click.option("--seed", type=int, default=Later(find), show_default=True)
    def work(seed: int) -> int:
        """Work."""
        return seed

    assert not asked
    assert run(work, [], name="work") == 7
    assert run(work, ["--help"], name="work") == 0
    assert "[default: 7]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["synthesise", "--wells=1", "--hours=1", "--into={tmp_path}"],
        ["--help"],
        ["train", "--help"],
        ["--version"],
    ],
)
def test_nobody_who_reads_is_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *(each.format(tmp_path=tmp_path) for each in arguments)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141
