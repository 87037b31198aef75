"""Which permissions calls to AWS need, and whether a policy gives those and no others."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError


@dataclass(frozen=True, order=True)
class Permission:
    """An action on a resource; in a policy the resource may hold `*`."""

    action: str
    resource: str

    def covers(self, needed: "Permission") -> bool:
        pattern = ".*".join(map(re.escape, self.resource.split("*")))
        return self.action == needed.action and bool(re.fullmatch(pattern, needed.resource))


@dataclass
class Recorder:
    """Permissions that the calls made inside its blocks need."""

    account: str
    region: str
    needed: set[Permission] = field(default_factory=set)

    @contextmanager
    def recording(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        original: Callable[..., Any] = BaseClient._make_api_call

        def record(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            status, given = 200, dict(parameters)
            try:
                return original(client, operation, parameters)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                raise
            finally:
                service = client.meta.service_model.service_name
                self.needed |= self._permissions(service, operation, given, status)

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", record)
            yield

    def _permissions(  # noqa: PLR0911 - a service each
        self, service: str, operation: str, parameters: dict[str, Any], status: int
    ) -> set[Permission]:
        if service == "s3":
            return _of_s3(operation, parameters, status)
        if service == "ssm":
            name = parameters["Name"]
            arn = f"arn:aws:ssm:{self.region}:{self.account}:parameter{name}"
            return {Permission(f"ssm:{operation}", arn)}
        if service == "sqs":
            return self._of_sqs(operation, parameters)
        if service == "athena":
            return self._of_athena(operation)
        if service == "glue":
            return self._of_glue(operation, parameters)
        if (service, operation) == ("cloudwatch", "GetMetricData"):
            return {Permission("cloudwatch:GetMetricData", "*")}
        if (service, operation) == ("sns", "Publish"):
            return {Permission("sns:Publish", parameters["TopicArn"])}
        raise AssertionError(f"nobody said which permission {service}'s {operation} needs")

    def _of_sqs(self, operation: str, parameters: dict[str, Any]) -> set[Permission]:
        if operation == "StartMessageMoveTask":
            dead = parameters["SourceArn"]
            queue = dead.removesuffix("-dlq")
            back = {Permission("sqs:SendMessage", arn) for arn in (queue, f"{queue}-retries")}
            return {Permission(f"sqs:{action}", dead) for action in _MOVE} | back
        name = parameters["QueueUrl"].rpartition("/")[2]
        operation = operation.removesuffix("Batch")
        return {Permission(f"sqs:{operation}", f"arn:aws:sqs:{self.region}:{self.account}:{name}")}

    def _of_glue(self, operation: str, parameters: dict[str, Any]) -> set[Permission]:
        """A call on a table takes the right on its database and on the catalogue too."""
        database = parameters["DatabaseName"]
        table = parameters.get("TableName") or parameters["Name"]
        names = ("catalog", f"database/{database}", f"table/{database}/{table}")
        place = f"arn:aws:glue:{self.region}:{self.account}"
        return {Permission(f"glue:{operation}", f"{place}:{name}") for name in names}

    def _of_athena(self, operation: str) -> set[Permission]:
        place = f"{self.region}:{self.account}"
        workgroup = f"arn:aws:athena:{place}:workgroup/petrostream"
        asked = {Permission(f"athena:{operation}", workgroup)}
        if operation != "StartQueryExecution":
            return asked
        tables = [f"arn:aws:glue:{place}:{name}" for name in _TABLES]
        buckets = {
            kind: f"arn:aws:s3:::petrostream-{kind}-{self.account}-{self.region}"
            for kind in ("curated", "results")
        }
        return (
            asked
            | {Permission(f"glue:{name}", arn) for name in _BY_ATHENA["glue"] for arn in tables}
            | {
                Permission(f"glue:{name}", f"arn:aws:glue:{place}:{resource}")
                for name in _BY_ATHENA["default"]
                for resource in ("catalog", "database/default")
            }
            | {
                Permission(f"s3:{name}", f"{buckets['results']}/athena/result.csv")
                for name in _BY_ATHENA["results"]
            }
            | {Permission(f"s3:{name}", buckets["results"]) for name in _BY_ATHENA["place"]}
            | {Permission("s3:GetBucketLocation", buckets["curated"])}
        )


_TABLES = (
    "catalog",
    "database/petrostream",
    "table/petrostream/scored",
    "table/petrostream/events",
)
_MOVE = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "StartMessageMoveTask")
"""What moving messages takes on the queue that they leave, by AWS's documentation."""

_BY_ATHENA = {
    "glue": ("GetDatabase", "GetPartition", "GetPartitions", "GetTable"),
    "default": ("GetDatabase", "GetDatabases"),
    "results": ("AbortMultipartUpload", "GetObject", "PutObject"),
    "place": ("GetBucketLocation", "ListBucket"),
}
"""What Athena does in its caller's name, by AWS's documentation: no call here shows it."""

_READS = {"GetObject", "HeadObject"}
_WRITES = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}


def _of_s3(operation: str, parameters: dict[str, Any], status: int) -> set[Permission]:
    """S3 tells 404 from 403 only to those who may list the bucket."""
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    item = f"{bucket}/{parameters.get('Key', '')}"
    listing = {Permission("s3:ListBucket", bucket)}
    if operation in _READS:
        return {Permission("s3:GetObject", item)} | (listing if status == 404 else set())
    if operation in _WRITES:
        return {Permission("s3:PutObject", item)}
    if operation == "DeleteObject":
        return {Permission("s3:DeleteObject", item)}
    if operation in {"ListObjectsV2", "HeadBucket"}:
        return listing
    if operation == "CopyObject":
        source = parameters["CopySource"]
        read = _of_s3("GetObject", {"Bucket": source["Bucket"], "Key": source["Key"]}, status)
        return read | {Permission("s3:PutObject", item)}
    raise AssertionError(f"nobody said which permission s3's {operation} needs")


def granted(policy: str | dict[str, Any]) -> set[Permission]:
    """Every pair of action and resource that a policy allows."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    pairs = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow" and "Condition" not in statement
        pairs |= {
            Permission(action, resource)
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }
    return pairs


def allows(policies: Iterable[dict[str, Any]], action: str, resource: str) -> bool:
    """Whether somebody with these policies may do something: allowed somewhere, denied nowhere."""
    statements = [one for policy in policies for one in policy["Statement"]]
    effects = {one["Effect"] for one in statements if _speaks_of(one, action, resource)}
    return effects == {"Allow"}


def _speaks_of(statement: dict[str, Any], action: str, resource: str) -> bool:
    speaks = all(
        _is_one_of(statement[key], value)
        if key in statement
        else not _is_one_of(statement[f"Not{key}"], value)
        for key, value in (("Action", action), ("Resource", resource))
    )
    assert not speaks or "Condition" not in statement, "nobody said how to read conditions"
    return speaks


def _is_one_of(patterns: str | list[str], value: str) -> bool:
    return any(
        re.fullmatch(".*".join(map(re.escape, one.split("*"))), value) for one in _listed(patterns)
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def missing(needed: set[Permission], given: set[Permission]) -> list[Permission]:
    """What is needed and not given."""
    return sorted(one for one in needed if not any(other.covers(one) for other in given))


def spare(needed: set[Permission], given: set[Permission]) -> list[Permission]:
    """What is given and not needed."""
    return sorted(one for one in given if not any(one.covers(other) for other in needed))
