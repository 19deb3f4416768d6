"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kudo.errors import InvalidParams, RequestError

NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace. Default: that of the kubeconfig's context.")
]

AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]


def _not_empty(value: str | None) -> str | None:
    if value == "":
        raise typer.BadParameter("must not be empty")
    return value


InstanceOption = Annotated[str, typer.Option("--instance", help="Name of the instance.", callback=_not_empty)]
PackageArgument = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="Directory, .tgz or URL of a package, or its name in a repository.")
]
LocalPackageArgument = Annotated[str, typer.Argument(metavar="PACKAGE", help="Directory or .tgz of a package.")]
Repository = Annotated[
    str, typer.Option("--repo", help="Repository of the package. Default: set by `kudo repo context`.")
]
OperatorVersionOption = Annotated[
    str, typer.Option("--operator-version", help="Version of the package in the repository. Default: the newest.")
]
AppVersion = Annotated[str, typer.Option("--app-version", help="Version of the application. Default: the newest.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter. Repeatable."),
]
ParameterFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--parameter-file", "-P", metavar="FILE", help="YAML file with parameters; -p takes precedence. Repeatable."
    ),
]
RewriteApiVersions = Annotated[
    bool,
    typer.Option(
        "--rewrite-api-versions",
        help="Rewrite objects to API versions that Kubernetes serves, for packages for old clusters.",
    ),
]
StartFrom = Annotated[
    str, typer.Option("--from", metavar="PHASE[.STEP]", help="Skip the phases and steps listed before this one.")
]
Form = Literal["diff", "yaml"]
"""The form of a dry run."""

DryRun = Annotated[
    Form | None,
    typer.Option(
        "--dry-run",
        help="Change nothing; print the objects of the plan as YAML, or a diff against the cluster.",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the plan ends; fail if the plan fails.")]
WaitTime = Annotated[float, typer.Option("--wait-time", min=0, metavar="SECONDS", help="Time limit for waiting.")]
Output = Annotated[Literal["json", "yaml"] | None, typer.Option("--output", "-o", help="Output format.")]
TableOutput = Annotated[
    Literal["json", "yaml", "wide"] | None,
    typer.Option("--output", "-o", help="Output format; `wide` adds columns and cuts nothing off."),
]


def local_path(package: str) -> Path:
    """Return the path of a package on this machine. Raises RequestError for a URL."""
    if "://" in package:
        raise RequestError(f"{package} is a URL. Use the directory or .tgz of a package.")
    return Path(package)


def read_parameters(given: list[str] | None, files: list[Path] | None) -> dict[str, str]:
    """Return the values of -P and -p, as strings (KUDO's `pkg/kudoctl/cmd/params`).

    Raises InvalidParams for a file that cannot be read or parsed, typer.BadParameter for an item that is not
    NAME=VALUE.
    """
    result: dict[str, str] = {}
    for file in files or []:
        result.update(_read_file(file))
    for item in given or []:
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{item!r} must have the form NAME=VALUE", param_hint="-p")
        result[name] = value
    return result


def _read_file(file: Path) -> dict[str, str]:
    from kudo.instances.parameters import read_values

    try:
        return read_values(str(file), file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidParams(f"The parameter file {file} cannot be read: {reason}.") from None
