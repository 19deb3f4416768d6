"""Jinja2 expressions: what is in the fields `when` of a package, and in the rules of health of its objects."""

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser

from kudo.errors import TaskRenderingError
from kudo.templates.jinja import OF_TEMPLATES, explain

MAX_CHARACTERS = 4_000


def parse_expression(compiler: jinja2.Environment, where: str, expression: str) -> nodes.Node:
    """The expression. Raises TaskRenderingError, which says where in the package it is and what is wrong."""
    if len(expression) > MAX_CHARACTERS:
        raise TaskRenderingError(f"{where}: has more than {MAX_CHARACTERS:,} characters")
    try:
        parser = Parser(compiler, expression, state="variable")
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            raise jinja2.TemplateSyntaxError(f"there is too much after {parser.stream.current.value!r}", 1)
    except (jinja2.TemplateSyntaxError, *OF_TEMPLATES) as error:
        raise TaskRenderingError(f"{where}: {expression!r} is no expression: {explain(error)}") from None
    return parsed
