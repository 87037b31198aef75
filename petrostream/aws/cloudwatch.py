"""CloudWatch's metrics: the newest value of one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Metric:
    """Which metric, of what, and by which statistic, such as `Maximum`."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """A metric's value and when its period began, UTC."""

    time: datetime
    value: float


def newest_point(
    cloudwatch: Any, metric: Metric, *, back: timedelta, period_seconds: int
) -> MetricPoint | None:
    """The newest value of a metric; `None` where there is none so far back.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If CloudWatch refuses, or can't be reached.
    """
    end = datetime.now(UTC)
    query = {
        "Id": "newest",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in metric.dimensions.items()
                ],
            },
            "Period": period_seconds,
            "Stat": metric.statistic,
        },
    }
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query],
        StartTime=end - back,
        EndTime=end,
        ScanBy="TimestampDescending",
    )["MetricDataResults"]
    points = [
        MetricPoint(time, value)
        for result in answer
        for time, value in zip(result["Timestamps"], result["Values"], strict=True)
    ]
    return max(points, key=lambda point: point.time, default=None)
