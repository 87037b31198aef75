"""List prices of what the platform uses, in USD, for us-east-1 and without any free tier."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

AS_OF: Final = date(2026, 5, 5)
"""When the table was last compared with published prices."""

REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, and AWS's page about it."""

    usd: float
    per: str
    page: str


class Item(Enum):
    """What is charged for."""

    ALARM = "CloudWatch alarms"
    DASHBOARD = "CloudWatch dashboard"
    METRIC = "CloudWatch metrics of the function"
    METRIC_READ = "CloudWatch metrics asked for"
    LOG_INGESTION = "logs written"
    LOG_STORAGE = "logs kept"
    TRACE = "X-Ray traces"
    S3_STORAGE = "S3 storage"
    S3_WRITE = "S3 writes and lists"
    S3_READ = "S3 reads"
    SQS_REQUEST = "SQS requests"
    LAMBDA_REQUEST = "Lambda invocations"
    LAMBDA_GB_SECOND = "Lambda time (arm64)"
    ECR_STORAGE = "image in ECR"


_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_S3: Final = "https://aws.amazon.com/s3/pricing/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"

PRICES: Final[dict[Item, Price]] = {
    Item.ALARM: Price(0.10, "alarm and month", _CLOUDWATCH),
    Item.DASHBOARD: Price(3.00, "dashboard and month", _CLOUDWATCH),
    Item.METRIC: Price(0.30, "metric and month", _CLOUDWATCH),
    Item.METRIC_READ: Price(0.01 / 1e3, "metric and request", _CLOUDWATCH),
    Item.LOG_INGESTION: Price(0.50, "GB", _CLOUDWATCH),
    Item.LOG_STORAGE: Price(0.03, "GB and month", _CLOUDWATCH),
    Item.TRACE: Price(5.00 / 1e6, "trace", "https://aws.amazon.com/xray/pricing/"),
    Item.S3_STORAGE: Price(0.023, "GB and month", _S3),
    Item.S3_WRITE: Price(0.005 / 1e3, "request", _S3),
    Item.S3_READ: Price(0.0004 / 1e3, "request", _S3),
    Item.SQS_REQUEST: Price(0.40 / 1e6, "request", "https://aws.amazon.com/sqs/pricing/"),
    Item.LAMBDA_REQUEST: Price(0.20 / 1e6, "invocation", _LAMBDA),
    Item.LAMBDA_GB_SECOND: Price(0.0000133334, "GB-second", _LAMBDA),
    Item.ECR_STORAGE: Price(0.10, "GB and month", "https://aws.amazon.com/ecr/pricing/"),
}

FREE_OF_CHARGE: Final = (
    "the budget (it has no actions), the model's parameter, tags, what is deleted, the tables' "
    "first million objects and requests"
)
FREE_TIER: Final = "3 dashboards, 10 alarms, 10 metrics, 1 million SQS requests, 400,000 GB-seconds"
"""What AWS gives every account each month, as long as nothing else uses it up."""
