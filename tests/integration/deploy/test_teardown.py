"""Emptying and proving, on the embedded AWS: versions, delete markers, uploads, images."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy import image
from deploy.account import leftovers, teardown
from deploy.account.leftovers import Place
from deploy.account.teardown import Count
from deploy.terraform.process import Resource
from petrostream.local.endpoint import ACCOUNT, REGION

if TYPE_CHECKING:
    from tests.conftest import Provisioned

PLACE = Place("petrostream", ACCOUNT, REGION)


@pytest.fixture
def bucket(provisioned: "Provisioned") -> str:
    """A versioned bucket with versions, delete markers and an unfinished upload."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for round_number in range(2):
        for number in range(4):
            s3.put_object(Bucket="versioned", Key=f"{number}", Body=b"%d" % round_number)
    for number in range(3):
        s3.delete_object(Bucket="versioned", Key=f"{number}")
    s3.create_multipart_upload(Bucket="versioned", Key="unfinished")
    return "versioned"


def test_a_bucket_is_emptied_of_all_that_keeps_it_from_being_deleted(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(teardown.count(bucket)) == "11"
    assert teardown.count(bucket, at_most=5) == Count(11, more=True)
    assert str(Count(20_000, more=True)) == "more than 20,000"
    monkeypatch.setattr(teardown, "A_BATCH", 3)
    assert teardown.empty(bucket) == 12
    assert teardown.count(bucket) == Count(0)
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket=bucket)
    boto3.client("s3").delete_bucket(Bucket=bucket)
    assert teardown.empty(bucket) == 0 and teardown.count(bucket) == Count(0)


def test_a_thousand_go_in_one_request(provisioned: "Provisioned") -> None:
    s3 = boto3.client("s3")
    name = provisioned.settings.raw_bucket
    for number in range(1003):
        s3.put_object(Bucket=name, Key=f"x/{number:04}", Body=b"")
    assert teardown.empty(name) == 1003
    assert teardown.count(name) == Count(0)


def test_a_repository_is_emptied(provisioned: "Provisioned") -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="petrostream-scoring")
    repository = image.find_repository("petrostream-scoring")
    builder = image.StandInBuilder()
    first, made = image.ensure(repository, "one", builder)
    assert made and image.ensure(repository, "one", builder) == (first, False)
    assert image.ensure(repository, "two", builder)[0] != first
    assert teardown.empty_repository("petrostream-scoring") == 2
    assert ecr.list_images(repositoryName="petrostream-scoring")["imageIds"] == []
    assert teardown.empty_repository("no-such-repository") == 0
    assert image.find("no-such-repository", "one") is None


def test_what_holds_things_is_found_in_the_state() -> None:
    held = teardown.holdings(
        [
            Resource("a", "aws_s3_bucket", {"bucket": "raw"}),
            Resource("b", "aws_s3_bucket_policy", {"bucket": "raw"}),
            Resource("c", "aws_ecr_repository", {"name": "scoring"}),
            Resource("d", "aws_s3_bucket", {}),
        ]
    )
    assert (held.buckets, held.repositories, held.mappings) == (("raw",), ("scoring",), ())


def test_a_mapping_that_is_gone_needs_no_pause(provisioned: "Provisioned") -> None:
    teardown.pause("00000000-0000-0000-0000-000000000000", seconds=1)


def test_what_is_left_is_named_with_how_to_remove_it(provisioned: "Provisioned") -> None:
    found = leftovers.prove(PLACE, wait_seconds=0)
    assert not found.is_clean
    by_service = {leftover.service for leftover in found.leftovers}
    assert {"s3", "sqs", "sns", "ssm"} <= by_service
    raw = next(one for one in found.leftovers if one.what == provisioned.settings.raw_bucket)
    assert f"s3://{raw.what}" in raw.remove


def test_another_platform_of_a_longer_name_is_not_ours(provisioned: "Provisioned") -> None:
    found = leftovers.prove(Place("petro", ACCOUNT, REGION), wait_seconds=0)
    assert found.is_clean


def test_what_only_bears_the_tag_is_left_over_too(provisioned: "Provisioned") -> None:
    boto3.client("kms").create_key(Tags=[{"TagKey": "Project", "TagValue": "petro"}])
    found = leftovers.prove(Place("petro", ACCOUNT, REGION), wait_seconds=0)
    assert [leftover.service for leftover in found.leftovers] == ["kms"]


def test_a_listing_by_tag_that_lags_is_no_leftover(
    provisioned: "Provisioned", monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:petro-ingest"
    monkeypatch.setattr(leftovers, "_tagged", lambda _: [gone])
    found = leftovers.prove(Place("petro", ACCOUNT, REGION), wait_seconds=0)
    assert found.is_clean and found.lagging == (gone,)


def test_where_no_budget_was_made_a_refused_list_of_them_is_none(
    provisioned: "Provisioned", monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = leftovers.client

    def refusing(service: str, *region: str) -> Any:
        if service == "budgets":
            refusal = {"Error": {"Code": "AccessDeniedException", "Message": "a linked account"}}
            raise ClientError(refusal, "DescribeBudgets")
        return ask(service, *region)

    monkeypatch.setattr(leftovers, "client", refusing)
    there_was = leftovers.prove(Place("petro", ACCOUNT, REGION), wait_seconds=0)
    assert [one for one in there_was.unseen if "budgets" in one] and not there_was.is_clean
    none_was = leftovers.prove(Place("petro", ACCOUNT, REGION, has_budget=False), wait_seconds=0)
    assert none_was.is_clean
