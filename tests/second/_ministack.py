"""MiniStack's server, as its own interpreter runs it.

Two permissions are asked for as AWS asks for them, and what would reach outside is left out.
"""

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import athena, lambda_svc


def main() -> None:
    """Serve until the process is told to end."""
    _ask_for_single_messages()
    _ask_for_the_workgroup()
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


def _ask_for_the_workgroup() -> None:
    """Whoever asks for a query needs a right on its workgroup; MiniStack takes `*` for it."""
    original = iam_actions.extract_resource_arn

    def resource(service: str, *given: Any, **named: Any) -> str:
        found = original(service, *given, **named)
        if service != "athena" or found != "*":
            return found
        query = json.loads(given[3] or b"{}").get("QueryExecutionId", "")
        started = athena._executions.get(query)
        if started is None:
            return found
        region, account = given[5:7]
        return f"arn:aws:athena:{region}:{account}:workgroup/{started['WorkGroup']}"

    iam_actions.extract_resource_arn = resource


if __name__ == "__main__":
    main()
