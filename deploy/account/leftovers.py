"""The proof after `down`: what AWS still lists of the project, and how to remove it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.account.access import client, explained
from petrostream.aws.clients import error_code
from petrostream.errors import PetroStreamError

WAIT_SECONDS: Final = 90.0
_BETWEEN_LOOKS: Final = 5.0
_REFUSED: Final = "AccessDeniedException"
_ABSENT: Final = frozenset(
    {
        "EntityNotFoundException", "ParameterNotFound", "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)  # fmt: skip


_BUCKETS: Final = ("raw", "curated", "models", "results")
_ALARMS: Final = frozenset(
    {
        "dead-letters", "function-errors", "function-slow", "function-throttles", "model-problems",
        "no-data", "old-messages", "old-retries",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """Something of the project's that is still there."""

    service: str
    what: str
    remove: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was looked at and what was found.

    `lagging` are ARNs that only the listing by tag still has, of services that, asked directly,
    no longer know them. `unseen` are the looks that AWS refused.
    """

    leftovers: tuple[Leftover, ...]
    lagging: tuple[str, ...]
    unseen: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left, and everything could be looked at."""
        return not self.leftovers and not self.unseen


@dataclass(frozen=True, slots=True)
class Place:
    """Whose leftovers are looked for."""

    name: str
    account: str
    region: str
    has_budget: bool = True
    """Whether there may be a budget; where there was none, being refused a list of them is none."""


def prove(place: Place, wait_seconds: float = WAIT_SECONDS) -> Proof:
    """List what is left, by tag and by asking each service; wait for listings that lag."""
    deadline = time.monotonic() + wait_seconds
    while True:
        proof = _look(place)
        if (proof.is_clean and not proof.lagging) or time.monotonic() >= deadline:
            return proof
        if proof.unseen:
            return proof
        time.sleep(_BETWEEN_LOOKS)


def _look(place: Place) -> Proof:
    found: list[Leftover] = []
    unseen: list[str] = []
    for service, ask in _QUESTIONS.items():
        try:
            with explained(f"listing what {service} has"):
                found += [Leftover(service, what, how) for what, how in ask(place)]
        except PetroStreamError as error:
            unseen.append(str(error))
    try:
        tagged = _tagged(place)
    except PetroStreamError as error:
        tagged = []
        unseen.append(str(error))
    direct = " ".join(leftover.what for leftover in found)
    lagging = []
    for arn in tagged:
        service, what = _split(arn)
        if what in direct:
            continue
        if service in _COVERED:
            lagging.append(arn)
        else:
            found.append(Leftover(service, arn, "remove it in the console of its service"))
    return Proof(tuple(sorted(found)), tuple(sorted(lagging)), tuple(unseen))


def _tagged(place: Place) -> list[str]:
    with explained("listing what bears the project's tag"):
        pages = (
            client("resourcegroupstaggingapi")
            .get_paginator("get_resources")
            .paginate(TagFilters=[{"Key": "Project", "Values": [place.name]}])
        )
        return [found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]]


def _split(arn: str) -> tuple[str, str]:
    """The service of an ARN, and the last part of its name."""
    service, _, rest = arn.removeprefix("arn:").partition(":")[2].partition(":")
    return service, rest.replace("/", ":").rpartition(":")[2]


NamesAndRemedies = Iterator[tuple[str, str]]


def _absent_is_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return None
        raise


def _buckets(place: Place) -> NamesAndRemedies:
    ours = {f"{place.name}-{kind}-{place.account}-{place.region}" for kind in _BUCKETS}
    for bucket in client("s3").list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name in ours:
            yield name, f"aws s3 rb s3://{name} --force (delete old versions in the console first)"


def _queues(place: Place) -> NamesAndRemedies:
    prefix = f"{place.name}-ingest"
    for url in client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", []):
        if url.rpartition("/")[2] in {prefix, f"{prefix}-retries", f"{prefix}-dlq"}:
            yield url, f"aws sqs delete-queue --queue-url {url}"


def _functions(place: Place) -> NamesAndRemedies:
    name = f"{place.name}-scoring"
    functions = client("lambda")
    if _absent_is_none(lambda: functions.get_function(FunctionName=name)):
        yield name, f"aws lambda delete-function --function-name {name}"
    mappings = _absent_is_none(lambda: functions.list_event_source_mappings(FunctionName=name))
    for mapping in (mappings or {}).get("EventSourceMappings", []):
        if mapping.get("State") != "Deleting":
            uuid = mapping["UUID"]
            yield (
                f"event-source-mapping {uuid}",
                f"aws lambda delete-event-source-mapping --uuid {uuid}",
            )


def _logs(place: Place) -> NamesAndRemedies:
    name = f"/aws/lambda/{place.name}-scoring"
    for group in client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        if group["logGroupName"] == name:
            yield name, f"aws logs delete-log-group --log-group-name {name}"


def _repositories(place: Place) -> NamesAndRemedies:
    name = f"{place.name}-scoring"
    if _absent_is_none(lambda: client("ecr").describe_repositories(repositoryNames=[name])):
        yield name, f"aws ecr delete-repository --force --repository-name {name}"


def _alarms(place: Place) -> NamesAndRemedies:
    watch = client("cloudwatch")
    for alarm in watch.describe_alarms(AlarmNamePrefix=f"{place.name}-")["MetricAlarms"]:
        name = alarm["AlarmName"]
        if name.removeprefix(f"{place.name}-") in _ALARMS:
            yield name, f"aws cloudwatch delete-alarms --alarm-names {name}"
    for dashboard in watch.list_dashboards(DashboardNamePrefix=place.name)["DashboardEntries"]:
        name = dashboard["DashboardName"]
        if name == place.name:
            yield name, f"aws cloudwatch delete-dashboards --dashboard-names {name}"


def _topics(place: Place) -> NamesAndRemedies:
    for page in client("sns").get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            arn = topic["TopicArn"]
            if arn.rpartition(":")[2] in {f"{place.name}-alarms", f"{place.name}-platform"}:
                yield arn, f"aws sns delete-topic --topic-arn {arn}"


def _budgets(place: Place) -> NamesAndRemedies:
    try:
        yield from _listed_budgets(place)
    except ClientError as error:
        if place.has_budget or error_code(error) != _REFUSED:
            raise


def _listed_budgets(place: Place) -> NamesAndRemedies:
    pages = (
        client("budgets", "us-east-1")
        .get_paginator("describe_budgets")
        .paginate(AccountId=place.account)
    )
    for page in pages:
        for budget in page.get("Budgets", []):
            name = budget["BudgetName"]
            if name == f"{place.name}-month":
                yield (
                    name,
                    f"aws budgets delete-budget --account-id {place.account} --budget-name {name}",
                )


def _tables(place: Place) -> NamesAndRemedies:
    database = place.name.replace("-", "_")
    if _absent_is_none(lambda: client("glue").get_database(Name=database)):
        yield database, f"aws glue delete-database --name {database}"


def _workgroups(place: Place) -> NamesAndRemedies:
    pages = client("athena").list_work_groups()["WorkGroups"]
    for group in pages:
        if group["Name"] == place.name:
            yield (
                place.name,
                f"aws athena delete-work-group --recursive-delete-option --work-group {place.name}",
            )


def _parameters(place: Place) -> NamesAndRemedies:
    name = f"/{place.name}/model"
    if _absent_is_none(lambda: client("ssm").get_parameter(Name=name)):
        yield name, f"aws ssm delete-parameter --name {name}"


def _roles(place: Place) -> NamesAndRemedies:
    for page in client("iam").get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            name = role["RoleName"]
            if name == f"{place.name}-scoring":
                yield name, f"delete the role {name} in the console of IAM (it costs nothing)"


_QUESTIONS: Final[dict[str, Callable[[Place], NamesAndRemedies]]] = {
    "s3": _buckets,
    "sqs": _queues,
    "lambda": _functions,
    "logs": _logs,
    "ecr": _repositories,
    "cloudwatch": _alarms,
    "sns": _topics,
    "budgets": _budgets,
    "glue": _tables,
    "athena": _workgroups,
    "ssm": _parameters,
    "iam": _roles,
}
_COVERED: Final = frozenset(_QUESTIONS)
"""Services that are asked directly: what only the listing by tag still has of them is gone."""
