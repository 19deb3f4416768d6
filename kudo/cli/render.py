"""render: what a plan would apply, as YAML."""

from typing import Annotated

import typer

from kudo.cli.command import command, out
from kudo.cli.options import (
    AppVersion,
    OperatorVersion,
    Package,
    ParameterFiles,
    Parameters,
    Repository,
    read_parameters,
)
from kudo.instances.preview import TaskPreview, new_instance, preview
from kudo.instances.triggers import DEPLOY
from kudo.model import yaml
from kudo.model.execution import PlanRequest
from kudo.packages import PackageResolver
from kudo.templates import Renderer


@command
async def render(
    package: Package,
    plan: Annotated[str, typer.Option("--plan", "--name", help="The plan.")] = DEPLOY,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance; by default OPERATOR-instance.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace.")] = "default",
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    repo: Repository = "",
    operator_version: OperatorVersion = "",
    app_version: AppVersion = "",
) -> None:
    """Print what a plan of a package would apply, as YAML, without a cluster."""
    with PackageResolver(repo) as finder:
        content = (await finder.bundle(package, operator_version, app_version)).package
    request = PlanRequest(
        namespace=namespace or "default",
        instance=instance or f"{content.operator.name}-instance",
        plan=plan,
        parameters=read_parameters(parameter, parameter_file),
    )
    async with Renderer(processes=1) as renderer:
        async for task in preview(*new_instance(content, request), renderer, request):
            out.print(shown(task))


def shown(task: TaskPreview) -> str:
    """The objects as YAML documents; what is deleted is a comment, so that nobody applies it."""
    where = f"{task.phase}.{task.step}.{task.task}"
    if task.verb == "delete":
        return "\n".join([f"# {where}: deletes", *(f"#   {item.ref}" for item in task.objects)])
    documents = [f"---\n# {where}\n{yaml.dump(item.manifest)}" for item in task.objects]
    return "".join([*documents, *(f"# {where}: makes {text}\n" for text in task.makes)]).rstrip("\n")
