"""The project's Terraform root: its variables, and the names that follow from them."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

from deploy.image import NOT_BUILT_YET
from deploy.terraform.process import Terraform, Variables
from petrostream.aws.costs import Usage
from petrostream.settings import PROJECT_ROOT

FOLDER: Final = PROJECT_ROOT / "infrastructure"
REGISTRY: Final = "module.registry"
BUDGET: Final = "module.alerting.aws_budgets_budget.month"
_ALARMS: Final = 8
_NONE_RESERVED: Final = -1


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose in Terraform's variables, as far as `up` and `down` have to know it."""

    name: str
    region: str
    allowed_account_ids: tuple[str, ...]
    function_memory_mb: int
    no_data_minutes: int
    alarm_email: str
    maximum_concurrency: int
    reserved_concurrency: int

    @property
    def shared_executions(self) -> int:
        """Executions that both queues may cause, of those that are not reserved for a function."""
        if self.reserved_concurrency != _NONE_RESERVED:
            return 0
        return self.maximum_concurrency + max(2, ceil(self.maximum_concurrency / 5))

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return f"{self.name}-scoring"

    def usage(self, wells: int) -> Usage:
        """What the costs are reckoned for."""
        alarms = _ALARMS - (self.no_data_minutes == 0)
        return Usage(wells, alarms, self.function_memory_mb / 1024)


def read_choices(terraform: Terraform, given: Variables | None = None) -> Choices:
    """Ask Terraform for the variables' values."""
    names = [
        "name", "region", "allowed_account_ids", "function_memory_mb", "no_data_minutes",
        "alarm_email", "maximum_concurrency", "reserved_concurrency",
    ]  # fmt: skip
    found: dict[str, Any] = terraform.variables(names, with_image(given))
    return Choices(**{**found, "allowed_account_ids": tuple(found["allowed_account_ids"])})


def with_image(given: Variables | None, digest: str = NOT_BUILT_YET) -> dict[str, Any]:
    """Variables, and the image's digest among them."""
    return {**(given or {}), "image_digest": digest}


def folder_or_default(folder: Path | None) -> Path:
    """The folder that was named, or the repository's own."""
    return FOLDER if folder is None else folder.resolve()
