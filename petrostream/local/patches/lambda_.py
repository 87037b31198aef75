"""Mends of moto's Lambda: a function's configuration is given back whole."""

from typing import Any, Final

from moto.awslambda.models import LambdaFunction

from petrostream.local.patches._mend import Mend

_stock_init = LambdaFunction.__init__


def _init(
    function: LambdaFunction, account_id: str, spec: dict[str, Any], *more: Any, **named: Any
) -> None:
    """Stock moto forgets `DeadLetterConfig` and `LoggingConfig`."""
    _remember(function, spec)
    _stock_init(function, account_id, spec, *more, **named)


_stock_get_configuration = LambdaFunction.get_configuration


def _get_configuration(function: LambdaFunction, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - moto's own signature
    """Stock moto does not give them back, but an image's empty command, which nobody set.

    Terraform would change both at every apply.
    """
    configuration = _stock_get_configuration(function, on_create)
    if not any(configuration.get("ImageConfigResponse", {}).get("ImageConfig", {}).values()):
        configuration.pop("ImageConfigResponse", None)
    dead_letters = _remembered(function).get("DeadLetterConfig") or {}
    if dead_letters.get("TargetArn"):
        configuration["DeadLetterConfig"] = dead_letters
    configuration["LoggingConfig"] = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{function.function_name}",
        **(_remembered(function).get("LoggingConfig") or {}),
    }
    return configuration


_stock_update_configuration = LambdaFunction.update_configuration


def _update_configuration(function: LambdaFunction, updates: dict[str, Any]) -> dict[str, Any]:
    """Stock moto leaves them, and `TracingConfig`, as they were."""
    _remember(function, updates)
    if "TracingConfig" in updates:
        function.tracing_config = updates["TracingConfig"]
    return _stock_update_configuration(function, updates)


def _remember(function: LambdaFunction, spec: dict[str, Any]) -> None:
    for name in ("DeadLetterConfig", "LoggingConfig"):
        if name in spec:
            _remembered(function)[name] = spec[name]


def _remembered(function: LambdaFunction) -> dict[str, Any]:
    remembered: dict[str, Any] = function.__dict__.setdefault("further_configuration", {})
    return remembered


MENDS: Final = (
    Mend(LambdaFunction, "__init__", _init),
    Mend(LambdaFunction, "get_configuration", _get_configuration),
    Mend(LambdaFunction, "update_configuration", _update_configuration),
)
