"""What Terraform says when it fails becomes a sentence, with its own words below."""

import json

import pytest

from deploy.terraform import diagnosis
from deploy.terraform.diagnosis import Diagnostic, ProviderUnavailable, TerraformFailed
from petrostream.errors import PetroStreamError, UsageError

LOCKED = """Error message: resource temporarily unavailable
Lock Info:
  ID:        6c1f6d3e-3f3e-2f5a-8a6b-0d7f6b8f3f52
  Path:      terraform.tfstate
  Operation: OperationTypeApply
  Who:       somebody@somewhere
"""

CASES = [
    ("Error acquiring the state lock", LOCKED, UsageError, "force-unlock 6c1f6d3e"),
    (
        "Retrieving AWS account details: validating provider credentials",
        (
            "operation error STS: GetCallerIdentity, api error ExpiredToken: The security token "
            "included in the request is expired"
        ),
        UsageError,
        "credentials have expired",
    ),
    ("No valid credential sources found", "Please see …", UsageError, "finds no AWS credentials"),
    (
        "creating SQS Queue",
        "api error InvalidClientTokenId: The security token is invalid",
        UsageError,
        "does not know these credentials",
    ),
    ("AWS account ID not allowed: 210987654321", "", UsageError, "allowed_account_ids"),
    (
        "Failed to query available provider packages",
        "could not connect to registry.terraform.io: no such host",
        ProviderUnavailable,
        "check the network",
    ),
    (
        "creating S3 Bucket (petrostream-raw)",
        (
            "api error AccessDenied: User: arn:aws:iam::123456789012:user/x is not authorized to "
            "perform: s3:CreateBucket on resource"
        ),
        TerraformFailed,
        "lack permission for s3:CreateBucket",
    ),
    ("deleting S3 Bucket", "api error BucketNotEmpty: …", TerraformFailed, "meanwhile"),
    (
        "creating IAM Role (petrostream-scoring)",
        "EntityAlreadyExists: Role with name petrostream-scoring already exists",
        TerraformFailed,
        "state does not know",
    ),
    ("reading S3 Bucket", "dial tcp: connection refused", TerraformFailed, "can't be reached"),
    (
        "Invalid value for variable",
        "alarm_email is an e-mail address, or empty.",
        UsageError,
        "terraform.tfvars",
    ),
    ("something new", "nobody has seen it yet", TerraformFailed, "Terraform failed"),
]


@pytest.mark.parametrize(("summary", "detail", "kind", "sentence"), CASES)
def test_causes_are_named(
    summary: str, detail: str, kind: type[PetroStreamError], sentence: str
) -> None:
    error = diagnosis.explain([Diagnostic(summary, detail)], "infrastructure", "failed")
    assert type(error) is kind
    assert sentence in str(error)
    assert summary in str(error)
    assert "{" not in str(error)


def test_the_events_of_json_output_give_the_errors_alone() -> None:
    events = [
        {"type": "version"},
        {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "old"}},
        {
            "type": "diagnostic",
            "diagnostic": {
                "severity": "error",
                "summary": "creating",
                "detail": "refused\n",
                "address": "module.queue.aws_sqs_queue.ingest",
            },
        },
    ]
    assert diagnosis.from_events(events) == [
        Diagnostic("creating", "refused", "module.queue.aws_sqs_queue.ingest")
    ]


def test_text_for_people_gives_the_same_with_and_without_its_frame() -> None:
    plain = """
Error: creating SQS Queue (petrostream-ingest): refused

  with module.queue.aws_sqs_queue.ingest,
  on modules/queue/main.tf line 3, in resource "aws_sqs_queue" "ingest":
   3: resource "aws_sqs_queue" "ingest" {

The queue is somebody else's.

Error: another
"""
    framed = "".join(f"\x1b[31m│\x1b[0m {line}\n" for line in plain.splitlines())
    expected = [
        Diagnostic(
            "creating SQS Queue (petrostream-ingest): refused",
            "The queue is somebody else's.",
            "module.queue.aws_sqs_queue.ingest",
        ),
        Diagnostic("another"),
    ]
    assert diagnosis.from_text(plain) == expected
    assert diagnosis.from_text(framed) == expected


def test_many_errors_are_cut_short() -> None:
    error = diagnosis.explain([Diagnostic(f"number {n}") for n in range(9)], "x", "failed")
    assert "number 4" in str(error) and "number 5" not in str(error)
    assert "and 4 more" in str(error)


def test_nothing_said_leaves_the_command_that_failed() -> None:
    assert str(diagnosis.explain([], "x", "`terraform plan` failed")) == "`terraform plan` failed"


@pytest.mark.parametrize("line", ["", "Error: x", "{", "[1]", '"text"'])
def test_a_line_that_is_no_event_is_none(line: str) -> None:
    assert diagnosis.parse_event(line) is None


def test_a_line_that_is_an_event() -> None:
    assert diagnosis.parse_event(json.dumps({"type": "version"})) == {"type": "version"}
