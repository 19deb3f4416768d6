"""Find the variables that a Jinja2 template or expression uses, from its syntax tree."""

from collections.abc import Iterator, Sequence

from jinja2 import nodes
from jinja2.defaults import DEFAULT_NAMESPACE

from kudo.templates.usage import Use

RANDOM = "random_alphanumeric"
"""The function that is added to those of Jinja2."""

_BUILT_IN = {"loop", "self", "super", "caller", "varargs", "kwargs", RANDOM, *DEFAULT_NAMESPACE}


def jinja_uses(parsed: nodes.Node) -> Iterator[Use]:
    """Yield every variable that the template does not define itself, with the attribute or key that it reads."""
    defined = _BUILT_IN | {name.name for name in parsed.find_all(nodes.Name) if name.ctx in ("store", "param")}
    tested = {id(part) for node in (parsed, *parsed.find_all(nodes.Node)) for part in _tested(node)}
    seen: set[int] = set()
    for node in (parsed, *parsed.find_all((nodes.Getattr, nodes.Getitem, nodes.Name))):
        match node:
            case nodes.Getattr(node=nodes.Name() as variable, attr=str(key)):
                pass
            case nodes.Getitem(node=nodes.Name() as variable, arg=nodes.Const(value=str(key))):
                pass
            case nodes.Name(ctx="load") as variable:
                key = ""
            case _:
                continue
        if id(variable) not in seen and variable.name not in defined:
            seen.add(id(variable))
            path = (variable.name, key) if key else (variable.name,)
            yield Use(path, node.lineno, tested=id(node) in tested)


def _tested(node: nodes.Node) -> Sequence[nodes.Node]:
    """Return the parts of a node that it tests for truth."""
    match node:
        case nodes.And() | nodes.Or():
            return [node.left, node.right]
        case nodes.Not():
            return [node.node]
        case nodes.CondExpr() | nodes.If():
            return [node.test]
    return []
