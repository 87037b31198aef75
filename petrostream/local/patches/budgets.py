"""Mends of moto's Budgets: what Terraform asks of a budget besides making it."""

import json
from typing import Any, Final

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

from petrostream.local.patches._mend import Mend

_IDENTITY: Final = ("NotificationType", "ComparisonOperator", "Threshold")

_stock_create_budget = BudgetsResponse.create_budget


def _create_budget(response: BudgetsResponse) -> str:
    """Stock moto forgets the tags that a budget is made with."""
    answer: str = _stock_create_budget(response)
    account, name = _param(response, "AccountId"), _param(response, "Budget")["BudgetName"]
    _add_tags(_budget(response, account, name), _param(response, "ResourceTags"))
    return answer


def _update_budget(response: BudgetsResponse) -> str:
    """Stock moto has no `UpdateBudget`."""
    changed = _param(response, "NewBudget")
    _budget(response, _param(response, "AccountId"), changed["BudgetName"]).budget.update(changed)
    return "{}"


def _describe_subscribers_for_notification(response: BudgetsResponse) -> str:
    """Stock moto has no `DescribeSubscribersForNotification`."""
    budget = _budget(response, _param(response, "AccountId"), _param(response, "BudgetName"))
    wanted = _param(response, "Notification")
    for notification in budget.notifications:
        if all(notification.details.get(field) == wanted.get(field) for field in _IDENTITY):
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to get notification - the notification doesn't exist.")


def _list_tags_for_resource(response: BudgetsResponse) -> str:
    """Stock moto has no `ListTagsForResource`."""
    tags = _tags(_budget_of_arn(response))
    return json.dumps({"ResourceTags": [{"Key": key, "Value": tags[key]} for key in tags]})


def _tag_resource(response: BudgetsResponse) -> str:
    """Stock moto has no `TagResource`."""
    _add_tags(_budget_of_arn(response), _param(response, "ResourceTags"))
    return "{}"


def _untag_resource(response: BudgetsResponse) -> str:
    """Stock moto has no `UntagResource`."""
    tags = _tags(_budget_of_arn(response))
    for key in _param(response, "ResourceTagKeys"):
        tags.pop(key, None)
    return "{}"


def _param(response: BudgetsResponse, name: str) -> Any:
    return response._get_param(name)  # noqa: SLF001


def _budget_of_arn(response: BudgetsResponse) -> Budget:
    """The budget that `arn:aws:budgets::<account>:budget/<name>` names."""
    *_, account, resource = _param(response, "ResourceARN").split(":", 5)
    return _budget(response, account, resource.removeprefix("budget/"))


def _budget(response: BudgetsResponse, account: str, name: str) -> Budget:
    budget = response.backend.budgets[account].get(name)
    if budget is None:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budget


def _add_tags(budget: Budget, tags: list[dict[str, str]] | None) -> None:
    _tags(budget).update({tag["Key"]: tag["Value"] for tag in tags or []})


def _tags(budget: Budget) -> dict[str, str]:
    tags: dict[str, str] = budget.__dict__.setdefault("tags", {})
    return tags


MENDS: Final = (
    Mend(BudgetsResponse, "create_budget", _create_budget),
    Mend(BudgetsResponse, "update_budget", _update_budget),
    Mend(
        BudgetsResponse,
        "describe_subscribers_for_notification",
        _describe_subscribers_for_notification,
    ),
    Mend(BudgetsResponse, "list_tags_for_resource", _list_tags_for_resource),
    Mend(BudgetsResponse, "tag_resource", _tag_resource),
    Mend(BudgetsResponse, "untag_resource", _untag_resource),
)
