"""MiniStack's server, as its own interpreter runs it.

Three permissions are asked for as AWS asks for them, and what would reach outside is left out.
"""

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import athena, lambda_svc


def main() -> None:
    """Serve until the process is told to end."""
    _ask_for_single_messages()
    _ask_for_what_is_meant()
    lambda_svc._ensure_poller = lambda: None  # its Lambda runs images with Docker only
    app._port_is_bindable = lambda _host, _port: False  # no second listener, on 443
    app.main()


def _ask_for_single_messages() -> None:
    """AWS knows no right to `DeleteMessageBatch`: it is that to `DeleteMessage`."""
    original = iam_actions.extract_iam_action

    def action(*given: Any, **named: Any) -> str | None:
        found = original(*given, **named)
        return found.removesuffix("Batch") if found and found.startswith("sqs:") else found

    iam_actions.extract_iam_action = action


def _ask_for_what_is_meant() -> None:
    """Two calls name their resource indirectly, for which MiniStack takes any: `*`."""
    original = iam_actions.extract_resource_arn

    def resource(service: str, *given: Any, **named: Any) -> str:
        found = original(service, *given, **named)
        asks = {"athena": _workgroup_of_a_query, "sqs": _source_of_a_move}.get(service)
        if asks is None or found != "*":
            return found
        _method, _path, _headers, body, _query, region, account = given
        return asks(json.loads(body or b"{}"), f"{region}:{account}") or found

    iam_actions.extract_resource_arn = resource


def _workgroup_of_a_query(asked: dict[str, Any], place: str) -> str | None:
    started = athena._executions.get(asked.get("QueryExecutionId", ""))
    return started and f"arn:aws:athena:{place}:workgroup/{started['WorkGroup']}"


def _source_of_a_move(asked: dict[str, Any], _place: str) -> str | None:
    return asked.get("SourceArn")


if __name__ == "__main__":
    main()
