"""Jinja2 expressions: the `when` fields of a package, and the health rules of its objects."""

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser

from kudo.errors import TaskRenderingError
from kudo.templates.jinja import OF_TEMPLATES, explain

MAX_CHARACTERS = 4_000
"""Maximum length of an expression."""


def parse_expression(compiler: jinja2.Environment, where: str, expression: str) -> nodes.Node:
    """Parse an expression. Raises TaskRenderingError with its location if it is malformed or too long."""
    if len(expression) > MAX_CHARACTERS:
        raise TaskRenderingError(f"{where}: has more than {MAX_CHARACTERS:,} characters")
    try:
        parser = Parser(compiler, expression, state="variable")
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            raise jinja2.TemplateSyntaxError(f"unexpected {parser.stream.current.value!r}", 1)
    except (jinja2.TemplateSyntaxError, *OF_TEMPLATES) as error:
        raise TaskRenderingError(f"{where}: {expression!r} is not a valid expression: {explain(error)}") from None
    return parsed
