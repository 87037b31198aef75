"""Terraform as a process: one method a subcommand, its output read by machine."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from deploy.terraform import diagnosis
from deploy.terraform.diagnosis import Diagnostic, ProviderUnavailable, TerraformFailed
from petrostream.documents import Bounds, Part, read_json
from petrostream.errors import PermanentError, UsageError, reason_of
from petrostream.files import naming

PROGRAM: Final = "terraform"
OLDEST: Final = (1, 11)
INIT_SECONDS: Final = 600.0
_DECLARATIONS: Final = (
    "variables.tf", "terraform.tfvars", "terraform.tfvars.json", "*.auto.tfvars",
    "*.auto.tfvars.json",
)  # fmt: skip
_ARN_PARTS: Final = 5
_BOUNDS: Final = Bounds(size=64 * 1024 * 1024, depth=64, values=2_000_000, text=4 * 1024 * 1024)
"""Of what Terraform says; a state may hold thousands of resources."""
_KILL_AFTER_SECONDS: Final = 30.0
_DONE: Final = {"create": "created", "update": "changed", "delete": "destroyed"}
_VERBS: Final = {
    "create": "create",
    "update": "change",
    "delete": "destroy",
    "replace": "replace",
    "move": "move",
    "import": "import",
}

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """What a plan does to one resource."""

    address: str
    action: str

    @property
    def destroys(self) -> bool:
        """Whether the resource that is there goes away."""
        return self.action in {"delete", "replace"}

    def __str__(self) -> str:
        return f"{_VERBS.get(self.action, self.action)} {self.address}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A saved plan; the file holds while `Terraform.plan` is open."""

    path: Path
    changes: tuple[Change, ...]
    is_empty: bool

    def summary(self) -> str:
        """One line: how many resources are made, changed and destroyed."""
        counts = Counter(change.action for change in self.changes)
        if self.is_empty:
            return "nothing to change"
        if not counts:
            return "nothing to change but outputs"
        return ", ".join(
            f"{counts[action]} to {verb}" for action, verb in _VERBS.items() if counts[action]
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource in Terraform's state."""

    address: str
    kind: str
    attributes: dict[str, Any]

    @property
    def stands_in(self) -> tuple[str, str] | None:
        """Account and region, where the resource's ARN has both."""
        parts = str(self.attributes.get("arn") or "").split(":")
        return (parts[4], parts[3]) if len(parts) > _ARN_PARTS and parts[3] and parts[4] else None


@dataclass(frozen=True, slots=True)
class _Finished:
    code: int
    lines: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Terraform:
    """The configuration in a folder, run with an environment of its own.

    Parameters
    ----------
    folder
        The root module; state and plug-ins are beside it.
    environment
        Every variable the processes see; Terraform's own ones among them hold.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        own = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        self.environment = {**(os.environ if environment is None else environment), **own}

    def init(self, seconds: float = INIT_SECONDS) -> None:
        """Fetch provider and modules, and open the backend.

        Raises
        ------
        ProviderUnavailable
            If they can't be had, or not in time.
        """
        finished = self._run(["init", "-json", "-input=false"], seconds=seconds)
        if finished.code != 0:
            raise self._failure(finished, "`terraform init` failed")

    def variables(self, names: Sequence[str], given: Variables | None = None) -> dict[str, Any]:
        """The values that variables have, from wherever Terraform takes them.

        They are asked of the declarations and values alone: `terraform console` beside a backend
        takes the state's lock, and fails at once where another run has it.
        """
        expression = f"jsonencode({{{', '.join(f'{name} = var.{name}' for name in names)}}})"
        with self._without_state() as declarations:
            finished = declarations._run(  # noqa: SLF001 - of the same class
                ["console", *_as_options(given or {})], stdin=expression + "\n", readable=True
            )
        try:
            if finished.code == 0:
                [*_, last] = finished.text.strip().splitlines()
                text = _read(last, "the answer of `terraform console`").text()
                return _read(text, "the values of `terraform console`").table()
        except ValueError as error:
            raise TerraformFailed(f"`terraform console` gave no values: {finished.text}") from error
        raise self._failure(finished, "`terraform console` failed")

    @contextmanager
    def plan(self, given: Variables, *, targets: Sequence[str] = ()) -> Iterator[Plan]:
        """Make a plan, kept for as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="petrostream-plan-") as folder:
            path = Path(folder) / "saved.tfplan"
            finished = self._run(
                [
                    "plan", "-json", "-input=false", "-detailed-exitcode", f"-out={path}",
                    *[f"-target={target}" for target in targets], *_as_options(given),
                ],
            )  # fmt: skip
            if finished.code not in (0, 2):
                raise self._failure(finished, "`terraform plan` failed")
            yield Plan(path, tuple(sorted(_changes(finished.events))), finished.code == 0)

    def describe(self, plan: Plan) -> str:
        """A plan as Terraform shows it to people."""
        finished = self._run(["show", "-no-color", str(plan.path)], readable=True)
        if finished.code != 0:
            raise self._failure(finished, "`terraform show` failed")
        return finished.text

    def apply(
        self,
        plan: Plan,
        on_progress: Callable[[str], None] = lambda _: None,
        *,
        optional: Sequence[str] = (),
    ) -> list[Diagnostic]:
        """Carry a plan out; gives what failed of the resources that may be missing.

        `optional` names those that nothing depends on: Terraform makes all others beside them.
        """
        finished = self._run(["apply", "-json", "-input=false", str(plan.path)], on_progress)
        if finished.code == 0:
            return []
        failed = diagnosis.from_events(finished.events)
        if failed and all(each.address.partition("[")[0] in optional for each in failed):
            return failed
        raise self._failure(finished, "`terraform apply` failed")

    def destroy(self, given: Variables, on_progress: Callable[[str], None] = lambda _: None) -> int:
        """Destroy everything that the state knows, and tell how many resources that were."""
        finished = self._run(
            ["destroy", "-json", "-input=false", "-auto-approve", *_as_options(given)], on_progress
        )
        if finished.code != 0:
            raise self._failure(finished, "`terraform destroy` failed")
        return sum(map(_is_done, finished.events))

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last apply; none where there was none."""
        finished = self._run(["output", "-json", "-no-color"], readable=True)
        if finished.code != 0:
            raise self._failure(finished, "`terraform output` failed")
        outputs = _read(finished.text, "the answer of `terraform output`")
        return {name: output["value"].plain for name, output in outputs.fields()}

    def resources(self) -> list[Resource]:
        """Every resource in the state; none where there is no state."""
        finished = self._run(["state", "pull"], readable=True)
        if finished.code != 0:
            raise self._failure(finished, "`terraform state pull` failed")
        resources = _read(finished.text or "{}", "Terraform's state").get("resources")
        return [
            Resource(
                _address(resource.table(), instance.table()),
                resource["type"].text(),
                instance["attributes"].plain or {},
            )
            for resource in (resources.entries() if resources else ())
            if resource["mode"].plain == "managed"
            for instance in resource["instances"].entries()
        ]

    @contextmanager
    def _without_state(self) -> Iterator["Terraform"]:
        """The same variables in a folder of their own, which has neither backend nor provider."""
        of_the_backend = {"TF_DATA_DIR", "TF_WORKSPACE"}
        kept = {name: v for name, v in self.environment.items() if name not in of_the_backend}
        with tempfile.TemporaryDirectory(prefix="petrostream-variables-") as folder:
            for pattern in _DECLARATIONS:
                for path in self.folder.glob(pattern):
                    shutil.copy(path, folder)
            yield Terraform(Path(folder), kept)

    def _failure(self, finished: _Finished, otherwise: str) -> Exception:
        said = f"{finished.text}\n{finished.errors}".strip()
        diagnostics = diagnosis.from_events(finished.events) or diagnosis.from_text(said)
        return diagnosis.explain(
            diagnostics, self.folder, f"{otherwise}: {said}" if said else otherwise
        )

    def _run(
        self,
        arguments: Sequence[str],
        on_progress: Callable[[str], None] = lambda _: None,
        *,
        stdin: str = "",
        seconds: float | None = None,
        readable: bool = False,
    ) -> _Finished:
        """Run Terraform to its end; an interrupt lets it save its state first.

        It runs in a session of its own: a terminal's Ctrl-C would reach it a second time, and
        Terraform takes a second one for an order to drop everything.
        """
        program = find_program()
        finished = _Finished(0)
        with (
            _as_file(stdin) as source,
            _as_file("") as errors,
            subprocess.Popen(
                [program, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            overdue = threading.Event()
            timer = _stop_after(process, seconds, overdue)
            try:
                self._listen(process, finished, on_progress, readable=readable)
            except BaseException:
                _let_end(process)
                raise
            finally:
                timer.cancel()
            if overdue.is_set():
                raise ProviderUnavailable(f"Terraform was not ready within {seconds:.0f} s")
            errors.seek(0)
            return replace(finished, code=process.returncode, errors=errors.read())

    @staticmethod
    def _listen(
        process: subprocess.Popen[str],
        finished: _Finished,
        on_progress: Callable[[str], None],
        *,
        readable: bool,
    ) -> None:
        for line in process.stdout or ():
            event = None if readable else diagnosis.parse_event(line)
            if event is None:
                finished.lines.append(line.rstrip("\n"))
                continue
            finished.events.append(event)
            if _is_done(event):
                on_progress(_completion(event["hook"]))
        process.wait()


def _read(text: str, what: str) -> Part:
    return read_json(text, what, error=TerraformFailed, bounds=_BOUNDS)


def find_program() -> str:
    """Where Terraform is.

    Raises
    ------
    UsageError
        If it is not on the PATH.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            f"terraform is not installed: get {'.'.join(map(str, OLDEST))} or later from "
            "https://developer.hashicorp.com/terraform/install"
        )
    return program


def installed_version() -> tuple[int, ...]:
    """The version of the Terraform on the PATH.

    Raises
    ------
    UsageError
        If there is none, it is too old, or can't be run.
    """
    program = find_program()
    try:
        answer = subprocess.run(
            [program, "version", "-json"], capture_output=True, text=True, check=True, timeout=30
        )
        said = read_json(answer.stdout, "its answer", bounds=_BOUNDS)
        version = parse_version(said["terraform_version"].text())
    except (OSError, subprocess.SubprocessError, ValueError, PermanentError) as error:
        raise UsageError(f"{program} can't be run ({reason_of(error)}): install it anew") from error
    if version < OLDEST:
        raise UsageError(
            f"terraform {'.'.join(map(str, version))} is too old, "
            f"{'.'.join(map(str, OLDEST))} is needed: "
            "https://developer.hashicorp.com/terraform/install"
        )
    return version


def parse_version(text: str) -> tuple[int, ...]:
    """Read the numbers of a version; what follows a hyphen does not count."""
    return tuple(int(part) for part in text.strip().lstrip("v").partition("-")[0].split("."))


def _as_options(variables: Variables) -> list[str]:
    return [
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in variables.items()
    ]


def _changes(events: Sequence[dict[str, Any]]) -> Iterator[Change]:
    for event in events:
        if event.get("type") == "planned_change" and event["change"]["action"] not in {
            "noop",
            "read",
        }:
            yield Change(event["change"]["resource"]["addr"], event["change"]["action"])


def _is_done(event: dict[str, Any]) -> bool:
    return event.get("type") == "apply_complete" and event["hook"]["action"] in _DONE


def _completion(hook: dict[str, Any]) -> str:
    seconds = hook.get("elapsed_seconds", 0)
    return f"{hook['resource']['addr']} {_DONE[hook['action']]} ({seconds:.0f} s)"


def _address(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    module = f"{resource['module']}." if resource.get("module") else ""
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{module}{resource['type']}.{resource['name']}{index}"


@contextmanager
def _as_file(text: str) -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+") as source:
        with naming(Path(tempfile.gettempdir())):
            source.write(text)
            source.seek(0)
        yield source


def _stop_after(
    process: subprocess.Popen[str], seconds: float | None, overdue: threading.Event
) -> threading.Timer:
    def stop() -> None:
        overdue.set()
        _signal_group(process, signal.SIGKILL)

    timer = threading.Timer(seconds or 0, stop)
    if seconds is not None:
        timer.start()
    return timer


def _let_end(process: subprocess.Popen[str]) -> None:
    """Ask Terraform once to stop, and wait until its state is written."""
    _signal_group(process, signal.SIGINT)
    try:
        for _ in process.stdout or ():
            pass
        process.wait()
    except BaseException:
        _signal_group(process, signal.SIGINT)
        try:
            process.wait(_KILL_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
        raise


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
