"""The rewriting of templates to API versions that Kubernetes serves.

    split into documents -> rewrite those with a removed API version -> render both -> compare the objects

A document whose fields change as well is parsed with its expressions masked, rewritten as the object that it is, and
written again. A candidate is used only if it renders to the objects that the old template renders to, rewritten.
"""

import io
import re
from collections.abc import Iterator, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kudo.errors import KudoError
from kudo.manifests import render
from kudo.manifests.api_versions import NotRewritable, removal_of, rewritten, served
from kudo.model.execution import Variables
from kudo.model.objects import Object

_SEPARATOR = re.compile(r"^(---[^\n]*(?:\n|\Z))", re.MULTILINE)
_API_VERSION = re.compile(r"^(apiVersion:[ \t]*[\"']?)([^\s\"'#]+)", re.MULTILINE)
_KIND = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_STATEMENT = r"(?:\{%[^%]*%\}|\{\{-? *(?:if|else|end|with|range)\b[^}]*\}\})"
_OUTER = re.compile(rf"((?:\s*{_STATEMENT}[ \t]*\n)*)(.*?\n?)((?:\s*{_STATEMENT}\s*)*)", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def rewrite_template(
    api_version: str, name: str, source: str, variations: Sequence[Variables], kubernetes: str
) -> tuple[str, list[str]]:
    """Return a template whose objects have API versions that Kubernetes serves, and what is left to the author.

    `api_version` is the dialect of the template. Does not raise; runs in the process of a Renderer.
    """
    # A template that cannot be rendered has other problems, which are reported as such.
    objects = _rendered(api_version, name, source, variations[0]) or []
    removed = [item for item in objects if removal_of(item, kubernetes)]
    if not removed:
        return source, []
    left = [f"templates/{name}: {item.kind} {item.name}: {reason}" for item in removed if (reason := _reason(item))]
    for candidate in _candidates(source, kubernetes):
        if all(_alike(api_version, name, source, candidate, values, kubernetes) for values in variations):
            return candidate, left
    if left:
        return source, left
    kinds = ", ".join(dict.fromkeys(f"{item.kind} of {item.api_version}" for item in removed))
    return source, [f"templates/{name}: {kinds}: change the API version and the fields that differ in the new one"]


def _reason(item: Object) -> str:
    try:
        rewritten(item)
    except NotRewritable as error:
        return f"{item.api_version} cannot be rewritten: {error}"
    return ""


def _alike(api_version: str, name: str, old: str, new: str, variables: Variables, kubernetes: str) -> bool:
    """Whether a new template renders to what the old one does, rewritten, or both fail."""
    before = _rendered(api_version, name, old, variables)
    after = _rendered(api_version, name, new, variables)
    if before is None or after is None:
        return before is after
    if any(removal_of(item, kubernetes) and not _reason(item) for item in after):
        return False
    return [served(item, kubernetes) for item in before] == [served(item, kubernetes) for item in after]


def _rendered(api_version: str, name: str, source: str, variables: Variables) -> list[Object] | None:
    """Return the objects of a template; None if it cannot be rendered."""
    try:
        return render(api_version, {name: source}, variables, named=False)
    except KudoError:
        return None


def _candidates(source: str, kubernetes: str) -> Iterator[str]:
    parts = _SEPARATOR.split(source)
    for rewrite in (_with_version, _with_texts, _with_numbers):
        yield "".join(part if _SEPARATOR.match(part) else rewrite(part, kubernetes) for part in parts)


def _with_version(document: str, kubernetes: str) -> str:
    """Replace only the API version of a document."""
    version, kind = _API_VERSION.search(document), _KIND.search(document)
    if version is None or kind is None:
        return document
    item = Object({"apiVersion": version[2], "kind": kind[1]})
    while (removal := removal_of(item, kubernetes)) and removal.successor:
        item = Object({**item.manifest, "apiVersion": removal.successor})
    return _API_VERSION.sub(lambda found: found[1] + item.api_version, document, count=1)


def _with_texts(document: str, kubernetes: str) -> str:
    return _rewrite_masked(document, kubernetes, "KUDOEXPRESSION{:03}")


def _with_numbers(document: str, kubernetes: str) -> str:
    """Rewrite a document whose expressions stand for numbers, such as those of ports."""
    return _rewrite_masked(document, kubernetes, "987654{:03}")


def _rewrite_masked(document: str, kubernetes: str, mask: str) -> str:
    before, document, after = _without_outer_statements(document)
    expressions = _EXPRESSION.findall(document)
    masks = iter(mask.format(index) for index in range(len(expressions)))
    rewriter = YAML(typ="rt")
    rewriter.preserve_quotes = True
    rewriter.width = 10_000
    try:
        parsed = rewriter.load(_EXPRESSION.sub(lambda _: next(masks), document))
        item = Object(parsed if isinstance(parsed, dict) else {})
        if not removal_of(item, kubernetes):
            return before + document + after
        stream = io.StringIO()
        rewriter.dump(rewritten(item, kubernetes).manifest, stream)
    except (YAMLError, NotRewritable, AttributeError, TypeError):
        return before + document + after
    text = stream.getvalue().rstrip("\n") if after and not document.endswith("\n") else stream.getvalue()
    for index, expression in enumerate(expressions):
        text = text.replace(mask.format(index), expression)
    return before + text + after


def _without_outer_statements(document: str) -> tuple[str, str, str]:
    """Split the statements at the start and the end of a document from the rest, which they enclose."""
    parts = _OUTER.fullmatch(document)
    return (parts[1], parts[2], parts[3]) if parts else ("", document, "")
