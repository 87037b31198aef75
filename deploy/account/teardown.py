"""What Terraform can't destroy as it stands: buckets with objects, a registry with images."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.account.access import client, explained
from deploy.terraform.process import Resource
from petrostream.aws.clients import error_code
from petrostream.errors import ServiceUnavailable

A_BATCH: Final = 1000
"""As many objects as S3 deletes in one request."""

COUNTED_AT_MOST: Final = 20_000
_IMAGES_A_BATCH: Final = 100
_GONE: Final = frozenset({"NoSuchBucket", "RepositoryNotFoundException", "404"})
_NO_MAPPING: Final = "ResourceNotFoundException"
_PAUSE_SECONDS: Final = 60.0
_BETWEEN_LOOKS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the state knows of that holds things: by their names."""

    buckets: tuple[str, ...]
    repositories: tuple[str, ...]
    mappings: tuple[str, ...]


def holdings(resources: Sequence[Resource]) -> Holdings:
    """Find what has to be emptied or paused before it can be destroyed."""

    def names(kind: str, attribute: str) -> tuple[str, ...]:
        found = (
            resource.attributes.get(attribute) for resource in resources if resource.kind == kind
        )
        return tuple(sorted(str(name) for name in found if name))

    return Holdings(
        names("aws_s3_bucket", "bucket"),
        names("aws_ecr_repository", "name"),
        names("aws_lambda_event_source_mapping", "uuid"),
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many versions and delete markers a bucket holds; `more` says that counting stopped."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"more than {self.number:,}" if self.more else f"{self.number:,}"


def count(bucket: str, at_most: int = COUNTED_AT_MOST) -> Count:
    """Count a bucket's versions and delete markers, up to a bound."""
    number = 0
    for batch in _versions(bucket):
        number += len(batch)
        if number >= at_most:
            return Count(number, more=True)
    return Count(number)


def pause(mapping: str, seconds: float = _PAUSE_SECONDS) -> None:
    """Stop feeding the function, so that it writes nothing into what is being emptied."""
    functions = client("lambda")
    with explained(f"disabling the event source mapping {mapping}"):
        try:
            functions.update_event_source_mapping(UUID=mapping, Enabled=False)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                state = functions.get_event_source_mapping(UUID=mapping)["State"]
                if state not in {"Disabling", "Updating", "Enabled", "Enabling"}:
                    return
                time.sleep(_BETWEEN_LOOKS)
        except ClientError as error:
            if error_code(error) != _NO_MAPPING:
                raise


def empty(bucket: str) -> int:
    """Delete every version, delete marker and unfinished upload of a bucket; give their number.

    Raises
    ------
    ServiceUnavailable
        If S3 keeps some.
    """
    s3 = client("s3")
    deleted = _abort_uploads(bucket)
    with explained(f"emptying {bucket}"):
        # Always the first page: what a later one begins behind would be deleted already.
        while batch := next(_versions(bucket), None):
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            kept = answer.get("Errors", [])
            if kept:
                raise ServiceUnavailable(
                    f"{bucket} keeps {len(kept)} objects, {kept[0]['Key']} among them: "
                    f"{kept[0].get('Message') or kept[0].get('Code')}"
                )
            deleted += len(batch)
    return deleted


def empty_repository(repository: str) -> int:
    """Delete every image of a repository; give their number."""
    ecr = client("ecr")
    deleted = 0
    with explained(f"emptying the repository {repository}"):
        try:
            pages = ecr.get_paginator("list_images").paginate(repositoryName=repository)
            digests = sorted({found["imageDigest"] for page in pages for found in page["imageIds"]})
        except ClientError as error:
            if error_code(error) in _GONE:
                return 0
            raise
        for first in range(0, len(digests), _IMAGES_A_BATCH):
            batch = [{"imageDigest": one} for one in digests[first : first + _IMAGES_A_BATCH]]
            answer = ecr.batch_delete_image(repositoryName=repository, imageIds=batch)
            deleted += len({image["imageDigest"] for image in answer["imageIds"]})
    return deleted


def _versions(bucket: str) -> Iterator[list[dict[str, str]]]:
    """All versions and delete markers, a page at a time; none of a bucket that is gone."""
    with explained(f"listing {bucket}"):
        pages = (
            client("s3")
            .get_paginator("list_object_versions")
            .paginate(Bucket=bucket, PaginationConfig={"PageSize": A_BATCH})
        )
        try:
            for page in pages:
                found: list[dict[str, Any]] = [
                    *page.get("Versions", []),
                    *page.get("DeleteMarkers", []),
                ]
                if found:
                    yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise


def _abort_uploads(bucket: str) -> int:
    s3 = client("s3")
    aborted = 0
    with explained(f"aborting the unfinished uploads to {bucket}"):
        try:
            pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
            uploads = [upload for page in pages for upload in page.get("Uploads", [])]
        except ClientError as error:
            if error_code(error) in _GONE:
                return 0
            raise
        for upload in uploads:
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            aborted += 1
    return aborted
