"""Which permissions calls to AWS need, and whether a policy gives those and no others."""

import json
import re
from collections.abc import Callable, Iterator
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

    def _permissions(
        self, service: str, operation: str, parameters: dict[str, Any], status: int
    ) -> set[Permission]:
        if service == "s3":
            return _of_s3(operation, parameters, status)
        if service == "ssm":
            name = parameters["Name"]
            arn = f"arn:aws:ssm:{self.region}:{self.account}:parameter{name}"
            return {Permission(f"ssm:{operation}", arn)}
        if (service, operation) == ("sns", "Publish"):
            return {Permission("sns:Publish", parameters["TopicArn"])}
        raise AssertionError(f"nobody said which permission {service}'s {operation} needs")


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


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def missing(needed: set[Permission], given: set[Permission]) -> list[Permission]:
    """What is needed and not given."""
    return sorted(one for one in needed if not any(other.covers(one) for other in given))


def spare(needed: set[Permission], given: set[Permission]) -> list[Permission]:
    """What is given and not needed."""
    return sorted(one for one in given if not any(one.covers(other) for other in needed))
