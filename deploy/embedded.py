"""The same Terraform against the embedded AWS, where Terraform can be had."""

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from console.answers import Answer
from console.speech import progress, say
from deploy import image, root
from deploy.image import StandInBuilder
from deploy.terraform import process
from deploy.terraform.diagnosis import ProviderUnavailable
from deploy.terraform.process import Terraform
from deploy.up import publish_image
from petrostream.errors import UsageError
from petrostream.local import stack
from petrostream.local.endpoint import ACCOUNT, HOST, REGION
from petrostream.local.stack import Provision, StackOptions
from petrostream.settings import LOCAL, PROJECT_ROOT, Settings, state_folder

WAIT_FOR_PROVIDER_SECONDS: Final = 60.0
_INIT_OPTIONS: Final = "TF_CLI_ARGS_init"
_PLUGINS: Final = PROJECT_ROOT / ".cache" / "terraform"
_PRIVATE: Final = (".terraform", "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json")
_OVERRIDES: Final = ("override.tf", "*_override.tf", "override.tf.json", "*_override.tf.json")
"""What belongs to the user's own platform: its state, its variables, its backend."""


class Provisioning(Enum):
    """What makes the resources on the embedded AWS."""

    AUTO = "auto"
    TERRAFORM = stack.TERRAFORM
    PYTHON = stack.PYTHON


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How to bring the embedded AWS up."""

    folder: Path
    provisioning: Provisioning
    stack: StackOptions

    @property
    def provisioner(self) -> str | None:
        """What has to make the resources; `None` where either will do."""
        return None if self.provisioning is Provisioning.AUTO else self.provisioning.value


def up(options: LocalOptions) -> Answer:
    """Bring the embedded AWS up, provisioned by Terraform if it can be had.

    One that is up already, whole and with the same options, is left as it is.
    """
    standing = stack.whole_stack(options.stack, options.provisioner)
    if standing is not None:
        say(stack.up_already(standing))
        return _answer(standing, was_up=True)
    try:
        is_ready = _prepare(options)
        made = stack.up(options.stack, _with_terraform(options.stack) if is_ready else None)
    finally:
        shutil.rmtree(_draft_folder(), ignore_errors=True)
    say(
        f"the embedded AWS is up at {stack.endpoint(made)}, a worker with {options.stack.slots} "
        "slots beside it"
    )
    say("next: `petrostream train DATA`, `petrostream replay DATA`, `petrostream dashboard`;")
    say("`petrostream down` stops it")
    return _answer(made, was_up=False)


def _answer(made: dict[str, Any], *, was_up: bool) -> Answer:
    facts = {
        "target": LOCAL,
        "endpoint": stack.endpoint(made),
        "provisioner": made["provisioner"],
        "environment": made["environment"],
        "was_up": was_up,
    }
    return Answer(facts)


def down() -> Answer:
    """Stop the embedded AWS: with it goes all that Terraform made there, and its state."""
    was_up = stack.down()
    say("the stack is down" if was_up else "no stack was up")
    return Answer({"target": LOCAL, "was_up": was_up})


def working_folder() -> Path:
    """Where Terraform runs for the embedded AWS, apart from the user's own state."""
    return state_folder() / "terraform"


def _draft_folder() -> Path:
    """Where it is made ready; the stack, as it starts, clears what an earlier one left."""
    return state_folder() / "terraform.draft"


def copy_root(source: Path, target: Path) -> None:
    """Copy the configuration, and nothing of the user's own platform."""
    shutil.rmtree(target, ignore_errors=True)
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_PRIVATE, *_OVERRIDES))
    except shutil.Error as error:  # holds every file that could not be copied
        [(_, copy, reason), *_] = error.args[0]
        words = reason.partition("] ")[2].partition(":")[0] or reason
        raise UsageError(f"{copy} can't be written: {words.lower()}") from error


def _with_terraform(options: StackOptions) -> Provision:
    def run(environment: Mapping[str, str]) -> tuple[Settings, dict[str, Any]]:
        _draft_folder().replace(working_folder())
        return provision(working_folder(), environment, options.function_timeout_seconds)

    return run


def provision(
    folder: Path, environment: Mapping[str, str], function_timeout_seconds: int
) -> tuple[Settings, dict[str, Any]]:
    """Make everything on the embedded AWS with Terraform; give settings and outputs."""
    for name in _of_the_account():
        del os.environ[name]
    os.environ.update(environment)
    runner = Terraform(folder, process_environment(environment))
    given: dict[str, Any] = {
        "region": REGION,
        "allowed_account_ids": [ACCOUNT],
        "max_retries": 2,
        "function_timeout_seconds": function_timeout_seconds,
    }
    choices = root.read_choices(runner, given)
    digest = publish_image(runner, given, choices.repository, image.content_tag(), StandInBuilder())
    with runner.plan(root.with_image(given, digest)) as plan:
        say(f"applying: {plan.summary()}")
        runner.apply(plan, progress)
    outputs = runner.outputs()
    names = {str(name): str(value) for name, value in outputs["environment"].items()}
    return Settings.load(environment=names), outputs


def process_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of Terraform against the embedded AWS: nothing of an account's is left."""
    kept = {name: value for name, value in os.environ.items() if name not in _of_the_account()}
    has_mirror = "-plugin-dir" in kept.get(_INIT_OPTIONS, "")
    if "TF_PLUGIN_CACHE_DIR" not in kept and not has_mirror:
        _PLUGINS.mkdir(parents=True, exist_ok=True)
        kept["TF_PLUGIN_CACHE_DIR"] = str(_PLUGINS)
    if _INIT_OPTIONS in kept:  # a mirror of the provider holds here too, a backend does not
        words = shlex.split(kept[_INIT_OPTIONS])
        kept[_INIT_OPTIONS] = shlex.join(w for w in words if not w.startswith("-backend-config"))
    own = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": HOST,
    }
    return {**kept, **own, **environment}


def _of_the_account() -> list[str]:
    own = {"TF_WORKSPACE", "TF_DATA_DIR", "TF_CLI_ARGS_plan", "TF_CLI_ARGS_apply"}
    return [name for name in os.environ if name.startswith(("AWS_", "TF_VAR_")) or name in own]


def _prepare(options: LocalOptions) -> bool:
    """Make Terraform ready; `False` where Python is to provision instead."""
    if options.provisioning is Provisioning.PYTHON or stack.served():
        return False
    wants_it = options.provisioning is Provisioning.TERRAFORM
    seconds = process.INIT_SECONDS if wants_it else WAIT_FOR_PROVIDER_SECONDS
    try:
        process.installed_version()
        copy_root(options.folder, _draft_folder())
        say("Terraform gets ready (--provision python does without it)")
        Terraform(_draft_folder(), process_environment({})).init(seconds)
    except (UsageError, ProviderUnavailable) as error:
        if wants_it:
            raise
        say(f"provisioning with Python instead of Terraform: {str(error).splitlines()[0]}")
        return False
    return True
