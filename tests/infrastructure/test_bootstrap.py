"""The roles that workflows take: what the one that plans may read, and what it may not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from deploy.embedded import process_environment
from deploy.root import FOLDER
from deploy.terraform.process import Terraform
from petrostream.local.endpoint import ACCOUNT, HOST, REGION, environment
from petrostream.settings import PROJECT_ROOT
from tests.infrastructure._iam import allows
from tests.support.terraform import prepare_root

pytestmark = pytest.mark.timeout(300)

STATE: Final = f"petrostream-state-{ACCOUNT}-{REGION}"
GIVEN: Final = {"repository": "owner/name", "repository_ids": {"owner": 1, "repository": 2}}
PLACE: Final = f"{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def plan_policies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Every policy of the role that plans, as the root `bootstrap` makes it."""
    folder = tmp_path_factory.mktemp("bootstrap") / "infrastructure"
    prepare_root(folder, FOLDER / "bootstrap")
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        variables = environment(f"http://{HOST}:{int(server.stdout.readline())}")
        terraform = Terraform(folder, process_environment(variables))
        try:
            with terraform.plan(GIVEN) as plan:
                terraform.apply(plan, lambda _: None)
            yield _policies_of("petrostream-github-plan", variables)
        finally:
            server.terminate()


def _policies_of(role: str, variables: dict[str, str]) -> list[dict[str, Any]]:
    iam = boto3.client(
        "iam",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["ReadOnlyAccess"]
    managed = json.loads(aws_managed_policies_data)["ReadOnlyAccess"]["Document"]
    own = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return [managed, *own]


DATA: Final = [
    ("s3:GetObject", "arn:aws:s3:::petrostream-raw-1/readings/well=W/a.parquet"),
    ("s3:GetObjectVersion", "arn:aws:s3:::petrostream-curated-1/scored/a.parquet"),
    ("s3:GetObject", "arn:aws:s3:::petrostream-state-of-somebody-else/terraform.tfstate"),
    ("s3:ListBucketVersions", "arn:aws:s3:::petrostream-raw-1"),
    ("s3-object-lambda:GetObject", f"arn:aws:s3-object-lambda:{PLACE}:accesspoint/a"),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{PLACE}:petrostream-ingest"),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{PLACE}:petrostream-ingest-dlq"),
    ("ssm:GetParameter", f"arn:aws:ssm:{PLACE}:parameter/payroll/password"),
    ("ssm:GetParametersByPath", f"arn:aws:ssm:{PLACE}:parameter/"),
    ("logs:FilterLogEvents", f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/petrostream-scoring:*"),
    ("logs:GetLogEvents", f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/a:log-stream:b"),
    ("logs:StartQuery", f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/a:*"),
    ("logs:StartLiveTail", f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/a"),
    ("athena:GetQueryResults", f"arn:aws:athena:{PLACE}:workgroup/petrostream"),
    ("athena:GetQueryResultsStream", f"arn:aws:athena:{PLACE}:workgroup/petrostream"),
    ("ecr:GetDownloadUrlForLayer", f"arn:aws:ecr:{PLACE}:repository/petrostream-scoring"),
    ("dynamodb:Scan", f"arn:aws:dynamodb:{PLACE}:table/customers"),
    ("kinesis:GetRecords", f"arn:aws:kinesis:{PLACE}:stream/clicks"),
    ("codecommit:GitPull", f"arn:aws:codecommit:{PLACE}:secrets"),
    ("ec2:GetConsoleOutput", f"arn:aws:ec2:{PLACE}:instance/i-1"),
]  # fmt: skip

NEEDED: Final = [
    ("s3:GetObject", f"arn:aws:s3:::{STATE}/petrostream/terraform.tfstate"),
    ("s3:PutObject", f"arn:aws:s3:::{STATE}/petrostream/terraform.tfstate.tflock"),
    ("s3:DeleteObject", f"arn:aws:s3:::{STATE}/petrostream/terraform.tfstate.tflock"),
    ("s3:ListBucket", f"arn:aws:s3:::{STATE}"),
    ("s3:ListBucket", "arn:aws:s3:::petrostream-raw-1"),  # S3's right to look whether it is there
    ("s3:GetBucketPolicy", "arn:aws:s3:::petrostream-raw-1"),
    ("s3:GetBucketObjectLockConfiguration", "arn:aws:s3:::petrostream-raw-1"),
    ("s3:GetLifecycleConfiguration", "arn:aws:s3:::petrostream-raw-1"),
    ("sqs:GetQueueAttributes", f"arn:aws:sqs:{PLACE}:petrostream-ingest"),
    ("ssm:GetParameter", f"arn:aws:ssm:{PLACE}:parameter/petrostream/model"),
    ("ssm:DescribeParameters", f"arn:aws:ssm:{PLACE}:*"),
    ("lambda:GetFunction", f"arn:aws:lambda:{PLACE}:function:petrostream-scoring"),
    ("lambda:GetEventSourceMapping", f"arn:aws:lambda:{PLACE}:event-source-mapping:1"),
    ("ecr:DescribeImages", f"arn:aws:ecr:{PLACE}:repository/petrostream-scoring"),
    ("ecr:DescribeRepositories", f"arn:aws:ecr:{PLACE}:repository/petrostream-scoring"),
    ("iam:GetRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/petrostream-scoring"),
    ("logs:DescribeLogGroups", f"arn:aws:logs:{PLACE}:log-group:*"),
    ("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{PLACE}:alarm:petrostream-no-data"),
    ("cloudwatch:GetDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/petrostream"),
    ("sns:GetTopicAttributes", f"arn:aws:sns:{PLACE}:petrostream-alarms"),
    ("budgets:ViewBudget", f"arn:aws:budgets::{ACCOUNT}:budget/petrostream-month"),
    ("glue:GetTable", f"arn:aws:glue:{PLACE}:table/petrostream/scored"),
    ("glue:GetPartitionIndexes", f"arn:aws:glue:{PLACE}:table/petrostream/scored"),
    ("athena:GetWorkGroup", f"arn:aws:athena:{PLACE}:workgroup/petrostream"),
    ("athena:GetNamedQuery", f"arn:aws:athena:{PLACE}:workgroup/petrostream"),
    ("sts:GetCallerIdentity", "*"),
]  # fmt: skip


def test_whoever_plans_reads_no_data_and_takes_no_messages(
    plan_policies: list[dict[str, Any]],
) -> None:
    let_in = [one for one in DATA if allows(plan_policies, *one)]
    assert let_in == []


def test_aws_own_policy_would_let_them(plan_policies: list[dict[str, Any]]) -> None:
    """Else the test before holds nothing."""
    managed = plan_policies[:1]
    assert [one for one in DATA if not allows(managed, *one)] == []


def test_whoever_plans_may_do_what_a_plan_does(plan_policies: list[dict[str, Any]]) -> None:
    refused = [one for one in NEEDED if not allows(plan_policies, *one)]
    assert refused == []


def test_every_service_of_the_root_may_be_planned(plan_policies: list[dict[str, Any]]) -> None:
    """A module that uses another service makes the plan fail, unless bootstrap learns of it."""
    written = "".join(path.read_text() for path in FOLDER.glob("modules/*/*.tf"))
    kinds = {word.split('"')[1] for word in written.split("resource ")[1:] if word[0] == '"'}
    assert {_service_of(kind) for kind in kinds} | {"sts"} == _services(plan_policies)


def _services(policies: list[dict[str, Any]]) -> set[str]:
    statements = [one for policy in policies for one in policy["Statement"]]
    [others] = [one["NotAction"] for one in statements if "NotAction" in one]
    return {action.removesuffix(":*") for action in others}


def _service_of(kind: str) -> str:
    name = kind.split("_")[1]
    return {"cloudwatch": "logs" if "_log_" in kind else "cloudwatch"}.get(name, name)
