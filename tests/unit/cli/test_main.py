"""`petrostream`: its verbs, their help and examples, completion, and what stays unimported."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

from cli.main import installed_version, main, program
from console.verbs import Verb
from petrostream.settings import PROJECT_ROOT

VERBS = [
    *("demo", "up", "down", "status"),
    *("fetch", "synthesise", "replay"),
    *("train", "evaluate", "publish", "rollback", "list", "limits", "drift", "recommission"),
    *("dashboard", "annotations", "repair", "powerbi"),
    "completion",
]
PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
SLOW = {"boto3", "moto", "numpy", "pandas", "pyarrow", "requests", "sklearn", "streamlit", "tqdm"}
COMPLETE = {"_PETROSTREAM_COMPLETE": "bash_complete"}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )


def imported(finished: subprocess.CompletedProcess[str]) -> set[str]:
    """The top-level packages that a process imported."""
    return set(re.findall(r"^import time:.*\| +(\w+)", finished.stderr, re.MULTILINE))


def verb(name: str) -> Verb:
    found = program.commands[name]
    assert isinstance(found, Verb)
    return found


def test_the_verbs_stand_in_the_order_of_the_pipeline() -> None:
    assert program.list_commands(click.Context(program)) == VERBS


@pytest.mark.parametrize("name", VERBS)
def test_help_says_what_a_verb_does_and_shows_examples_that_parse(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    shown, command = capsys.readouterr().out, verb(name)
    assert f"Usage: petrostream {name}" in shown
    assert command.examples
    for example in command.examples:
        assert f"\n  {example}\n" in shown, "each example stands in a line of its own"
        program_name, verb_name, *arguments = shlex.split(example.partition(" > ")[0])
        assert (program_name, verb_name) == ("petrostream", name)
        command.make_context(name, arguments).close()


@pytest.mark.parametrize("name", VERBS)
def test_every_option_says_what_it_does(name: str) -> None:
    options = [one for one in verb(name).params if isinstance(one, click.Option)]
    assert all(option.help for option in options)


@pytest.mark.parametrize("name", VERBS)
def test_defaults_and_values_are_told_in_one_way(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("default:") == shown.count("[default: ")
    assert "(default" not in shown and "[default: (" not in shown
    options = [word for word in shown.split() if word in {"PATH", "TEXT", "INTEGER", "FLOAT"}]
    assert not options, "a value has a name that says what it is"


def test_defaults_in_words_are_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    given = verb("fetch").make_context("fetch", []).params
    assert [given[name] for name in ("into", "limit", "classes", "kinds")] == [None, None, (), ()]
    assert verb("up").make_context("up", []).params["port"] == 0
    assert main(["fetch", "--help"]) == 0
    assert "[default: 5]" in capsys.readouterr().out


def test_help_lists_each_verb_in_a_whole_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    sections = [line for line in lines if re.fullmatch(r"\S.*:", line) and "Usage" not in line]
    assert sections == ["Options:", "Run it:", "Data:", "Models:", "Look, keep:", "Shell:"]
    listed = [words[0] for line in lines if len(words := line.split()) > 1 and words[0] in VERBS]
    assert listed == VERBS
    assert not any(line.endswith("...") for line in lines[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["up", "--help"]])
def test_help_and_version_import_nothing_that_is_slow(arguments: list[str]) -> None:
    assert not imported(run(*arguments)) & SLOW


def test_the_version_is_the_projects() -> None:
    assert run("--version").stdout == f"petrostream, version {PROJECT['version']}\n"


def test_a_project_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m cli` runs from the sources alone."""
    monkeypatch.setattr("cli.main.PROGRAM", "petrostream-that-nobody-installed")
    assert installed_version() == "unknown: it is not installed"


def test_the_declared_script_is_this_program() -> None:
    [(name, value)] = PROJECT["scripts"].items()
    assert name == "petrostream"
    assert EntryPoint(name, value, "console_scripts").load() is main


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("petrostream re", ["replay", "recommission", "repair"]),
        ("petrostream up --target ", ["local", "aws"]),
        ("petrostream evaluate --at", ["--attach"]),
        ("petrostream completion z", ["zsh"]),
    ],
)
def test_completion_offers_verbs_options_and_words(words: str, expected: list[str]) -> None:
    position = str(words.count(" "))
    finished = run(**COMPLETE, COMP_WORDS=words, COMP_CWORD=position)
    assert finished.stdout.split() == [f"plain,{word}" for word in expected]
    assert not imported(finished) & SLOW


def test_the_script_for_bash_completes_in_bash(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None, "make needs it too"
    program_file = tmp_path / "petrostream"
    program_file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    program_file.chmod(0o755)
    script = (
        'eval "$(petrostream completion bash)"; COMP_WORDS=(petrostream re); COMP_CWORD=1; '
        '_petrostream_completion petrostream; echo "${COMPREPLY[@]}"'
    )
    finished = subprocess.run(
        [bash, "--norc", "-c", script],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.split() == ["replay", "recommission", "repair"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"_PETROSTREAM_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["replay"], "missing argument 'DATA' (`petrostream replay --help` shows how)"),
        (["trian"], "no such command 'trian'. Did you mean 'train'?"),
        (["status", "--jsn"], "no such option '--jsn'"),
        (["replay", "x", "--speed", "fast"], "--speed 'fast' is neither a positive number nor"),
        (["replay", "x", "--limit", "0"], "--limit takes a whole number above 0, not '0'"),
        (["drift", "--hours", "inf"], "--hours takes a number from 0 on, not 'inf'"),
        (["replay", "x", "--classes", "one"], "--classes takes class numbers with commas"),
        (["fetch", "--classes", "12"], "--classes takes names of 0, 1, 2"),
        (["fetch", "--all", "--limit", "3"], "--all and --limit exclude each other: name one"),
        (["train", "x", "--false-alarms", "-1"], "--false-alarms takes a number from 0 on"),
        (["drift", "--hours", "nan"], "--hours takes a number from 0 on, not 'nan'"),
        (["evaluate", "x", "--attach", "--report", "y"], "--attach goes without"),
        (
            ["evaluate", "--json", "."],
            "--json takes a file, and . is a folder: write `--json -` for standard output (`",
        ),
        (
            ["up", "--provision", "magic"],
            "--provision is one of auto, terraform, python, not 'magic' (`petrostream up --help`",
        ),
        (
            ["status", "--target", "mars"],
            "--target is local or aws, not 'mars' (`petrostream status --help` shows how)",
        ),
        (["completion", "csh"], "shell is one of bash, zsh, fish, not 'csh' (`petrostream"),
        (["limits", "/no/such.toml"], "read from /no/such.toml: no such file or directory"),
    ],
)
def test_a_wrong_command_line_is_a_sentence_and_code_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("error: ")
    assert sentence in line


def test_without_a_verb_the_help_is_shown_and_the_code_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "Usage: petrostream" in capsys.readouterr().err
