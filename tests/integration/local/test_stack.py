"""`make up`, `make down`, `make status`: what is started is stopped, and nothing is left."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from petrostream.errors import SettingsError, UsageError
from petrostream.local import resources, stack
from petrostream.local.processes import find_process, stop_process
from petrostream.local.status import look_at_stack
from petrostream.settings import (
    AWS,
    LOCAL,
    PROJECT_ROOT,
    Settings,
    read_stack,
    stack_file,
    state_folder,
    use_stack,
    variable,
    write_stack,
)


@pytest.fixture
def clean_up() -> Iterator[None]:
    yield
    stack.down()


leaves_a_server = pytest.mark.filterwarnings("ignore:subprocess .* is still running")


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` puts the endpoint into this process's environment; take it out afterwards."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_status_down(clean_up: None) -> None:
    up = run("petrostream.local", "up")
    assert up.returncode == 0, up.stderr
    found = read_stack()
    assert found is not None
    pids = [int(identity["pid"]) for identity in found["processes"].values()]
    family = [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    again = run("petrostream.local", "up")
    assert again.returncode == 0 and read_stack() == found
    assert again.stdout == (
        f"the embedded AWS is up already at {stack.endpoint(found)}: nothing was changed\n"
    )
    with pytest.raises(UsageError, match=r"up already at .* first"):
        stack.up()
    deadline = time.monotonic() + 30
    while "0 waiting, 0 in flight" not in run("petrostream.local", "status").stdout:
        assert time.monotonic() < deadline, "S3's test event is not handled"
    status = run("petrostream.local", "status")
    assert "worker     running" in status.stdout
    assert "no model is published yet" in status.stdout
    down = run("petrostream.local", "down")
    assert (down.returncode, down.stdout) == (0, "the stack is down\n")
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not any(child.is_running() for child in family)
    assert not state_folder().exists()
    assert run("petrostream.local", "down").stdout == "no stack was up\n"
    assert "no stack is up" in run("petrostream.local", "status").stdout


def test_a_stack_with_other_options_is_not_taken_for_the_one_wanted(
    clean_up: None, own_environment: None
) -> None:
    run("petrostream.local", "up")
    found = read_stack() or {}
    port = stack.endpoint(found).rpartition(":")[2]
    for option, difference in (
        ("--port=1", f"on port {port}, not 1"),
        ("--slots=3", "with 2 slots, not 3"),
        ("--timeout=7", "with a time-out of 60 seconds, not 7"),
    ):
        again = run("petrostream.local", "up", option)
        assert again.returncode == 2
        assert again.stderr == (
            f"error: a stack is up already at {stack.endpoint(found)}, but {difference}: stop it "
            "with `petrostream down` first\n"
        )
    assert stack.whole_stack(stack.StackOptions(int(port)), stack.PYTHON) == found
    with pytest.raises(UsageError, match=r"made by python, not by terraform: stop it"):
        stack.whole_stack(stack.StackOptions(), stack.TERRAFORM)
    demo = run("demo", "--no-dashboard")
    assert demo.returncode == 2 and "a stack is up already" in demo.stderr
    assert read_stack() == found, "a demo takes over no stack that runs"


def test_a_stack_without_a_worker_gets_one_again(clean_up: None) -> None:
    run("petrostream.local", "up")
    found = read_stack() or {}
    stop_process(found["processes"][stack.WORKER])
    other = run("petrostream.local", "up", "--port=1")
    assert other.returncode == 2 and "not 1: stop it" in other.stderr
    again = run("petrostream.local", "up", "--slots=1")
    assert again.returncode == 0, again.stderr
    mended = read_stack() or {}
    assert mended["slots"] == 1 and stack.endpoint(mended) == stack.endpoint(found)
    assert mended["processes"]["server"] == found["processes"]["server"]
    assert find_process(mended["processes"][stack.WORKER])


def test_a_stack_that_does_not_answer_is_not_called_up(
    clean_up: None, own_environment: None
) -> None:
    run("petrostream.local", "up")
    found = read_stack() or {}
    found["environment"][variable("queue_url")] += "-that-is-gone"
    write_stack(found)
    again = run("petrostream.local", "up")
    assert again.returncode == 2
    assert "but it does not answer" in again.stderr and "first" in again.stderr


def test_down_clears_what_a_crash_left(clean_up: None) -> None:
    run("petrostream.local", "up")
    found = read_stack()
    assert found is not None
    server = psutil.Process(int(found["processes"]["server"]["pid"]))
    server.kill()
    psutil.wait_procs([server])
    status = "\n".join(map(str, look_at_stack()))
    assert (
        "server     NOT RUNNING" in status
        and "run `petrostream down`, then `petrostream up`" in status
    )
    assert stack.down()
    assert not state_folder().exists()


def test_a_file_of_a_dead_stack_does_not_stop_the_next(clean_up: None) -> None:
    run("petrostream.local", "up")
    found = read_stack()
    assert found is not None
    for identity in found["processes"].values():
        stop_process(identity)
    run("petrostream.local", "up")
    processes = (read_stack() or {})["processes"]
    assert all(find_process(identity) for identity in processes.values())


def test_the_file_says_who_provisioned_and_gives_the_outputs(clean_up: None) -> None:
    run("petrostream.local", "up", "--timeout=7", "--slots=1")
    found = read_stack() or {}
    assert found.keys() == {
        "format", "target", "provisioner", "timeout", "environment", "outputs", "slots",
        "processes",
    }  # fmt: skip
    assert (found["format"], found["target"], found["provisioner"]) == (2, "local", "python")
    assert (found["timeout"], found["slots"]) == (7, 1)
    assert found["outputs"]["buckets"]["raw"] == found["environment"][variable("raw_bucket")]
    assert found["outputs"]["function_name"] == found["environment"][variable("function_name")]
    assert found["outputs"]["mapping_uuid"]


def provision(environment: Mapping[str, str]) -> tuple[Settings, dict[str, object]]:
    """A provisioner of one's own, as Terraform is one."""
    assert environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert environment["AWS_ACCESS_KEY_ID"] == "testing"
    settings = resources.provision(resources.Clients.connect())
    return settings, {"made_by": "hand"}


@leaves_a_server
def test_another_provisioner_can_take_pythons_place(clean_up: None, own_environment: None) -> None:
    made = stack.up(provision=provision)
    assert made == read_stack()
    assert made["provisioner"] == "terraform" and made["outputs"] == {"made_by": "hand"}
    assert made["environment"][variable("queue_url")].endswith("/petrostream-ingest")
    assert find_process(made["processes"][stack.WORKER])


@leaves_a_server
def test_a_provisioner_that_fails_leaves_nothing(own_environment: None) -> None:
    seen: list[psutil.Process] = []

    def fail(_environment: Mapping[str, str]) -> tuple[Settings, dict[str, object]]:
        (state_folder() / "terraform").mkdir()
        found = find_process((read_stack() or {})["processes"]["server"])
        assert found is not None, "a killed `up` would leave a server that nobody knows of"
        seen.append(found)
        raise UsageError("it did not work")

    with pytest.raises(UsageError, match="did not work"):
        stack.up(provision=fail)
    assert not seen[0].is_running()
    assert not state_folder().exists()


def test_an_up_that_was_killed_half_way_is_begun_again(clean_up: None) -> None:
    run("petrostream.local", "up")
    half = read_stack() or {}
    stop_process(half["processes"].pop(stack.WORKER))
    half["environment"] = {
        name: value for name, value in half["environment"].items() if name.startswith("AWS_")
    }
    write_stack(half)
    assert str(look_at_stack()[-1]) == "`petrostream up` did not get to its end: run it again"
    assert run("petrostream.local", "up").returncode == 0
    assert find_process(half["processes"]["server"]) is None
    found = read_stack() or {}
    assert found["processes"].keys() == {"server", stack.WORKER}


def test_another_process_with_the_same_number_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        identity = {"pid": other.pid, "created": 1.0}
        assert find_process(identity) is None
        assert not stop_process(identity)
        assert other.poll() is None
        other.kill()


def test_a_busy_port_is_said_before_anything_starts(clean_up: None) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("petrostream.local", "up", f"--port={port}")
    assert result.returncode == 2
    assert (
        f"port {port} is busy" in result.stderr
        and "--port <port> (make: AWS_PORT=<port>)" in result.stderr
    )
    assert read_stack() is None


def test_a_damaged_stack_file_says_what_to_do() -> None:
    stack_file().parent.mkdir(parents=True)
    stack_file().write_text("{")
    with pytest.raises(SettingsError, match="run `petrostream down`, then `petrostream up`"):
        use_stack()
    stack.down()
    assert not stack_file().exists()


def test_a_command_takes_the_stacks_environment_unless_it_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError, match="PETROSTREAM_RAW_BUCKET not set: start a stack"):
        Settings.load("raw_bucket")
    environment = {"PETROSTREAM_RAW_BUCKET": "from-the-file", "AWS_ENDPOINT_URL": "http://x"}
    stack_file().parent.mkdir(parents=True)
    stack_file().write_text(json.dumps({"environment": environment, "processes": {}}))
    use_stack()
    assert Settings.load("raw_bucket").raw_bucket == "from-the-file"
    monkeypatch.setenv("PETROSTREAM_RAW_BUCKET", "my-own")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://mine")
    use_stack()
    assert Settings.load("raw_bucket").raw_bucket == "my-own"
    assert Settings.load().to_environment() == {"PETROSTREAM_RAW_BUCKET": "my-own"}


def test_settings_survive_their_environment() -> None:
    settings = Settings(raw_bucket="r", queue_url="q")
    assert Settings.load(environment=settings.to_environment()) == settings


@pytest.mark.parametrize("port", [-1, 70_000])
def test_impossible_ports_are_refused(port: int) -> None:
    with pytest.raises(UsageError, match="port"):
        stack.check_port(port, "--port", "AWS_PORT")


def test_the_stack_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_stack({"environment": {}, "processes": {}})
    assert stack_file().stat().st_mode & 0o077 == 0


def test_the_local_stack_comes_before_the_one_on_aws_unless_the_target_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = variable("curated_bucket")
    for target in (AWS, LOCAL):
        write_stack({"environment": {name: target}}, target)
    monkeypatch.setenv(variable("target"), AWS)
    use_stack()
    assert Settings.load().curated_bucket == AWS
    monkeypatch.delenv(variable("target"))
    use_stack()
    assert Settings.load().curated_bucket == LOCAL
    monkeypatch.setenv(variable("target"), "mars")
    with pytest.raises(SettingsError, match="local or aws, not 'mars'"):
        use_stack()
