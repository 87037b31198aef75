"""Terraform's errors in plain words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from petrostream.documents import read_json
from petrostream.errors import PermanentError, PetroStreamError, UsageError


class TerraformFailed(PetroStreamError):
    """Terraform ended with an error."""


class ProviderUnavailable(TerraformFailed):
    """Terraform could not get the provider or a module that the configuration needs."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error of Terraform: what, why, and at which resource."""

    summary: str
    detail: str = ""
    address: str = ""

    def __str__(self) -> str:
        where = f" ({self.address})" if self.address else ""
        return f"{self.summary}{where}" + (f"\n{self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    sentence: str
    error: type[PetroStreamError]


def _cause(pattern: str, sentence: str, error: type[PetroStreamError] = UsageError) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), sentence, error)


_CAUSES: Final = (
    _cause(
        r"acquiring the state lock",
        "the state is locked: another run is under way. If none is, unlock it with "
        "`terraform -chdir={folder} force-unlock {lock}`",
    ),
    _cause(
        r"backend configuration changed|backend type changed|migrate-state",
        "the place of Terraform's state has changed: move the state there with "
        "`terraform -chdir={folder} init -migrate-state`, then run the command again",
    ),
    _cause(
        r"ExpiredToken|token (included in the request )?(is|has) expired|credentials have expired",
        "the AWS credentials have expired: sign in again (`aws sso login`, or new keys)",
    ),
    _cause(
        r"no valid credential sources|failed to refresh cached credentials|no EC2 IMDS role",
        "Terraform finds no AWS credentials: sign in (`aws sso login`, `aws configure`), or set "
        "AWS_PROFILE",
    ),
    _cause(
        r"InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch",
        "AWS does not know these credentials: check AWS_PROFILE and the keys",
    ),
    _cause(
        r"account ID not allowed",
        "the credentials belong to an account that `allowed_account_ids` does not name",
    ),
    _cause(
        r"query available provider packages|could not connect to registry|install provider"
        r"|provider registry|download module|registry\.terraform\.io",
        "Terraform can't get what it needs from its registry: check the network, or keep a mirror "
        "of the provider (TF_CLI_ARGS_init=-plugin-dir=<folder>)",
        ProviderUnavailable,
    ),
    _cause(
        r"backend initialization required|inconsistent dependency lock|module not installed"
        r"|missing required provider",
        "Terraform is not initialised for this configuration: run the command again",
        TerraformFailed,
    ),
    _cause(
        r"AccessDenied|UnauthorizedOperation|is not authorized to perform|AuthorizationError",
        "the credentials lack permission{action}: docs/deploying.md has what they need",
        TerraformFailed,
    ),
    _cause(
        r"BucketNotEmpty|RepositoryNotEmpty",
        "something wrote into a bucket or the registry meanwhile: stop what does, then run the "
        "command again",
        TerraformFailed,
    ),
    _cause(
        r"already ?exists|AlreadyOwnedByYou|EntityAlreadyExists|ResourceConflictException",
        "a resource exists that Terraform's state does not know: it is of an earlier run whose "
        "state was lost (remove it, or `terraform import` it), or of somebody else (set another "
        "`name`)",
        TerraformFailed,
    ),
    _cause(
        r"connection refused|no such host|network is unreachable|i/o timeout|request send failed",
        "AWS can't be reached: check the network, the proxy and AWS_ENDPOINT_URL",
        TerraformFailed,
    ),
    _cause(
        r"no value for required variable|invalid value for variable|value for undeclared variable",
        "a variable of Terraform is missing or not allowed: see infrastructure/terraform.tfvars",
    ),
)
_LOCK_ID: Final = re.compile(r"^\s*ID:\s+(\S+)", re.MULTILINE)
_ACTION: Final = re.compile(r"not authorized to perform: (\S+)")
_SOURCE_LINE: Final = re.compile(r"^\s+(?:on \S+ line \d+|\d+: )")
_ADDRESS: Final = re.compile(r"^\s+with (\S+),$")
_MOST_SHOWN: Final = 5


def from_events(events: Iterable[dict[str, Any]]) -> list[Diagnostic]:
    """Read the errors out of the events that Terraform writes with `-json`."""
    found = []
    for event in events:
        diagnostic = event.get("diagnostic")
        if isinstance(diagnostic, dict) and diagnostic.get("severity") == "error":
            found.append(
                Diagnostic(
                    str(diagnostic.get("summary", "")),
                    str(diagnostic.get("detail", "")).strip(),
                    str(diagnostic.get("address", "")),
                )
            )
    return found


def from_text(text: str) -> list[Diagnostic]:
    """Read the errors out of what Terraform writes for people, without colours."""
    found: list[Diagnostic] = []
    for part in re.split(r"^(?:│ )?(?=Error: |Warning: )", _plain(text), flags=re.MULTILINE):
        if not part.startswith("Error: "):
            continue
        first, _, rest = part.removeprefix("Error: ").partition("\n")
        lines = rest.splitlines()
        address = next((match[1] for line in lines if (match := _ADDRESS.match(line))), "")
        detail = [
            line for line in lines if not _SOURCE_LINE.match(line) and not _ADDRESS.match(line)
        ]
        found.append(Diagnostic(first.strip(), "\n".join(detail).strip(), address))
    return found


def _plain(text: str) -> str:
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"^[│╷╵] ?", "", without_colours, flags=re.MULTILINE)


def explain(diagnostics: Sequence[Diagnostic], folder: object, otherwise: str) -> PetroStreamError:
    """Make the error to raise: a sentence on the cause, then what Terraform said."""
    if not diagnostics:
        return TerraformFailed(otherwise)
    said = "\n".join(str(diagnostic) for diagnostic in diagnostics)
    shown = [_indented(str(diagnostic)) for diagnostic in diagnostics[:_MOST_SHOWN]]
    if len(diagnostics) > _MOST_SHOWN:
        shown.append(f"  … and {len(diagnostics) - _MOST_SHOWN} more")
    for cause in _CAUSES:
        if cause.pattern.search(said):
            lock = _LOCK_ID.search(said)
            action = _ACTION.search(said)
            sentence = cause.sentence.format(
                folder=folder,
                lock=lock[1] if lock else "<lock>",
                action=f" for {action[1]}" if action else "",
            )
            return cause.error("\n".join([sentence, "Terraform says:", *shown]))
    return TerraformFailed("\n".join(["Terraform failed:", *shown]))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines() if line.strip())


def parse_event(line: str) -> dict[str, Any] | None:
    """Read one line of Terraform's `-json` output; `None` where it is something else."""
    if not line.startswith("{"):
        return None
    try:
        return read_json(line, "what Terraform says").table()
    except PermanentError:
        return None
