"""The stack file of an AWS account: what the other commands take their settings from."""

from typing import Any, Final

from deploy.terraform.process import Terraform
from petrostream.settings import AWS, Settings, read_stack, stack_file, write_stack

_FORMAT: Final = 1


def document(outputs: dict[str, Any]) -> dict[str, Any]:
    """A stack file's contents; no credentials are in it."""
    return {
        "format": _FORMAT,
        "target": AWS,
        "environment": {str(name): str(value) for name, value in outputs["environment"].items()},
        "outputs": {name: value for name, value in outputs.items() if name != "environment"},
    }


def write(terraform: Terraform) -> tuple[Settings, dict[str, Any]]:
    """Write the file anew from Terraform's outputs; give settings and outputs."""
    outputs = terraform.outputs()
    stack = document(outputs)
    write_stack(stack, AWS)
    return Settings.load(environment=stack["environment"]), outputs


def read() -> dict[str, Any] | None:
    """The file's contents; `None` where there is none."""
    return read_stack(AWS)


def remove() -> None:
    """Remove the file."""
    stack_file(AWS).unlink(missing_ok=True)
