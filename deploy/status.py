"""`status` of an AWS account: what is up, what waits, what it has cost; every look costs nothing
or next to nothing, however much is stored.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from console.answers import Answer
from console.speech import say
from deploy import model, stackfile
from deploy.account.access import client, explained
from petrostream.aws.cloudwatch import Metric, MetricPoint, newest_point
from petrostream.aws.queues import age_of_oldest, depth_of
from petrostream.durations import duration
from petrostream.errors import PetroStreamError
from petrostream.local.status import Look, facts, look_at_stack
from petrostream.schema.keys import SCORED
from petrostream.settings import AWS, Settings

NAMESPACE: Final = "PetroStream"
_PAGES: Final = 20
_LOOK_BACK: Final = timedelta(days=14)
_PERIOD_SECONDS: Final = 300
_AGE_LOOK_BACK: Final = timedelta(minutes=15)


def look(target: str) -> list[Look]:
    """Look at the platform; what can't be had says why."""
    return _look_at_account() if target == AWS else _look_at_embedded()


def run(target: str) -> Answer:
    """Say how the platform is, one line per thing."""
    looks = look(target)
    for one in looks:
        say(str(one))
    return Answer(facts(target, looks))


def _look_at_embedded() -> list[Look]:
    found = look_at_stack()
    bucket = Settings.load().curated_bucket
    return [*found, _tried("last", lambda: last_result(bucket))] if bucket else found


def _look_at_account() -> list[Look]:
    found = stackfile.read()
    if found is None:
        reason = "nothing is up on AWS, or it was brought up elsewhere"
        return [Look("", f"{reason}: `petrostream up --target aws`")]
    environment: dict[str, str] = found["environment"]
    os.environ.update(environment)
    settings, outputs = Settings.load(environment=environment), found.get("outputs", {})
    account, region = outputs.get("account_id"), outputs.get("region")
    url = outputs.get("dashboard_url")
    buckets = [settings.raw_bucket, settings.curated_bucket]
    looks: tuple[tuple[str, Callable[[], str | Seen]], ...] = (
        ("function", lambda: _function(settings.function_name)),
        ("feeding", lambda: _mapping(outputs["mapping_uuid"])),
        ("retrying", lambda: _mapping(outputs["retries_mapping_uuid"])),
        ("model", lambda: _model(settings)),
        ("queue", lambda: _queue(settings.queue_url)),
        ("retries", lambda: _queue(environment["PETROSTREAM_RETRIES_QUEUE_URL"])),
        ("oldest", lambda: _oldest_message(settings.work_queue_urls)),
        ("dead", lambda: _queue(settings.dead_letter_queue_url)),
        ("last", lambda: last_result(settings.curated_bucket)),
        ("alarms", lambda: _alarms(outputs["alarm_names"])),
        ("spent", lambda: _spent(outputs["account_id"], outputs["budget_name"])),
    )
    return [
        Look("account", f"{account} in {region}", {"id": account, "region": region}),
        *[_tried(name, look) for name, look in looks],
        Look("buckets", ", ".join(buckets), buckets),
        Look("metrics", str(url), url),
    ]


class Seen(NamedTuple):
    """What a person and what a program reads of one thing."""

    text: str
    value: Any


def _tried(name: str, look: Callable[[], str | Seen]) -> Look:
    try:
        with explained("not to be had"):
            found = look()
    except PetroStreamError as error:
        return Look(name, str(error), is_fault=True)
    except KeyError as error:
        reason = (
            f"not to be had: the stack file lacks {error}; `petrostream up --target aws` writes it "
            "anew"
        )
        return Look(name, reason, is_fault=True)
    return Look(name, *found) if isinstance(found, Seen) else Look(name, found, found)


def _model(settings: Settings) -> Seen:
    version = model.current_version(settings)
    return Seen(version or "none is published", version)


def _function(name: str) -> str:
    found = client("lambda").get_function_configuration(FunctionName=name)
    state = found.get("State", "unknown").lower()
    update = found.get("LastUpdateStatus", "Successful")
    reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or ""
    changing = "" if update == "Successful" else f", its last change {update.lower()}"
    return f"{state}{changing}{f' ({reason})' if reason else ''}, {found['MemorySize']} MB"


def _mapping(uuid: str) -> str:
    return str(client("lambda").get_event_source_mapping(UUID=uuid)["State"]).lower()


def _queue(url: str) -> Seen:
    depth = depth_of(client("sqs"), url)
    return Seen(str(depth), {"waiting": depth.waiting, "in_flight": depth.in_flight})


def _oldest_message(queue_urls: Sequence[str]) -> Seen:
    points = [_newest(age_of_oldest(url), _AGE_LOOK_BACK) for url in queue_urls]
    ages = [point.value for point in points if point is not None]
    if not ages:
        return Seen("not measured lately", None)
    return Seen(duration(max(ages)), max(ages))


def last_result(curated_bucket: str) -> str:
    """When something was scored last.

    The function's own metric answers in one request, whatever is stored. Where it has nothing (it
    is older than its look back, or the metrics are not kept, as on the embedded AWS), a bounded
    number of pages is listed.
    """
    point = _newest(Metric(NAMESPACE, "Rows", {"service": "scoring"}, "Sum"), _LOOK_BACK)
    if point is not None:
        return f"{point.value:,.0f} rows in the five minutes from {point.time:%Y-%m-%d %H:%M} UTC"
    newest: dict[str, Any] | None = None
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(
            Bucket=curated_bucket, Prefix=SCORED, PaginationConfig={"MaxItems": _PAGES * 1000}
        )
    )
    number = 0
    for page in pages:
        for item in page.get("Contents", []):
            number += 1
            if newest is None or item["LastModified"] > newest["LastModified"]:
                newest = item
    if newest is None:
        return "nothing has been scored yet"
    if number >= _PAGES * 1000:
        return f"longer than {_LOOK_BACK.days} days ago"
    return f"{newest['Key'].removeprefix(SCORED)} at {newest['LastModified']:%Y-%m-%d %H:%M:%S} UTC"


def _newest(metric: Metric, back: timedelta) -> MetricPoint | None:
    return newest_point(client("cloudwatch"), metric, back=back, period_seconds=_PERIOD_SECONDS)


def _alarms(names: list[str]) -> Seen:
    found = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    ringing = sorted(_described(found))
    return Seen("; ".join(ringing) or f"none of {len(found)} rings", ringing)


def _described(alarms: list[dict[str, Any]]) -> Iterator[str]:
    for alarm in alarms:
        if alarm.get("StateValue") == "ALARM":
            yield f"{alarm['AlarmName']}: {alarm.get('AlarmDescription', '')}"


def _spent(account: str, budget: str) -> str:
    if not budget:
        return "no budget is asked for (monthly_budget_usd = 0)"
    found = client("budgets", "us-east-1").describe_budget(AccountId=account, BudgetName=budget)
    limit = found["Budget"]["BudgetLimit"]
    spend = found["Budget"].get("CalculatedSpend", {}).get("ActualSpend")
    if spend is None:
        return f"AWS has not reckoned it yet; the budget is {float(limit['Amount']):.2f} USD"
    return (
        f"{float(spend['Amount']):.2f} {spend['Unit']} of {float(limit['Amount']):.2f} this month "
        "(the whole account; up to a day late)"
    )
