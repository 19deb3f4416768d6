"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kudo.errors import InvalidParams, RequestError
from kudo.instances.parameters import read_values
from kudo.model.tasks import KudoOperatorSpec
from kudo.packages import Bundle, Location, read_bundle

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace; by default that of the kubeconfig's context.")
]


def _not_empty(value: str | None) -> str | None:
    if value == "":
        raise typer.BadParameter("the name of an instance must not be empty")
    return value


Instance = Annotated[str, typer.Option("--instance", help="Name of the instance.", callback=_not_empty)]
Package = Annotated[str, typer.Argument(metavar="PACKAGE", help="Directory or .tgz of the package.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Value of a parameter; may be given several times."),
]
ParameterFiles = Annotated[
    list[Path] | None,
    typer.Option("--parameter-file", "-P", metavar="FILE", help="YAML file of parameters; -p overrides it."),
]
StartFrom = Annotated[
    str, typer.Option("--from", metavar="PHASE[.STEP]", help="Leave out what is listed before this phase or step.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end of the plan; fails when the plan fails.")]
WaitTime = Annotated[float, typer.Option("--wait-time", min=0, metavar="SECONDS", help="How long --wait waits.")]
Output = Annotated[Literal["json", "yaml"] | None, typer.Option("--output", "-o", help="Print as JSON or YAML.")]


def local(package: str) -> Path:
    """The path of a package. Raises RequestError for a URL, or a name that is no path."""
    path = Path(package)
    if "://" in package or not (path.exists() or "/" in package or "." in package):
        raise RequestError(
            f"{package} is no path. Packages are installed from a directory or a .tgz; names in a repository and URLs "
            "cannot be used yet."
        )
    return path


async def found(package: str) -> Bundle:
    """The package, and what it depends on. Raises RequestError or PackageError."""
    return await read_bundle(Location(local(package)), _find)


async def _find(spec: KudoOperatorSpec) -> Location:
    raise RequestError(f"{spec.package} is no path, and names in a repository and URLs cannot be used yet.")


def read_parameters(given: list[str] | None, files: list[Path] | None) -> dict[str, str]:
    """The values of -P and -p together, as strings (KUDO's `pkg/kudoctl/cmd/params`).

    Raises InvalidParams for a file that cannot be used, typer.BadParameter for what is no NAME=VALUE.
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
    try:
        return read_values(str(file), file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InvalidParams(f"The parameter file {file} cannot be read: {reason}") from None
