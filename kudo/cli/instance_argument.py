"""The instance of a command: `kudo plan status NAME`, or with --instance, as in KUDO."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from kudo.cli.options import InstanceOption

_ARGUMENT = Annotated[str | None, typer.Argument(metavar="INSTANCE", help="Name of the instance.", show_default=False)]
_OPTION = Annotated[str | None, typer.Option("--instance", help="Name of the instance, instead of the argument.")]


def of_instance(function: Callable[..., None]) -> Callable[..., None]:
    """Let a command with the parameter `instance: InstanceOption` take it as an argument as well."""
    signature = inspect.signature(function)
    parameters = [*signature.parameters.values()]
    at = next(index for index, one in enumerate(parameters) if one.annotation == InstanceOption)
    keyword = inspect.Parameter.KEYWORD_ONLY
    named = inspect.Parameter("instance_name", keyword, default=None, annotation=_ARGUMENT)
    option = parameters[at].replace(default=None, annotation=_OPTION)
    changed = [one.replace(kind=keyword) for one in (*parameters[:at], named, option, *parameters[at + 1 :])]

    def command(*, instance_name: str | None, instance: str | None, **others: Any) -> None:
        if instance_name and instance and instance_name != instance:
            raise typer.BadParameter("name the instance once: as an argument, or with --instance")
        chosen = instance or instance_name
        if not chosen:
            raise typer.BadParameter("name the instance, as an argument or with --instance", param_hint="INSTANCE")
        function(instance=chosen, **others)

    # Not functools.wraps: the parameters are not those of the function.
    command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, function.__module__
    command.__annotations__ = {one.name: one.annotation for one in changed} | {"return": None}
    command.__signature__ = signature.replace(parameters=changed)  # type: ignore[attr-defined]
    return command
