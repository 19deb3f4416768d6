"""What is printed cannot control the terminal."""

import io

import pytest
from rich.text import Text

from kudo.cli.console import PlainConsole
from kudo.cli.output import table

NAME = "a\x1b]0;title\x07b\x1b[2J\x9b31mc\x7f\x00"


@pytest.fixture
def console() -> PlainConsole:
    created = PlainConsole(width=80)
    created.file = io.StringIO()
    created._force_terminal = True
    return created


def printed(console: PlainConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_escape_sequences_of_names_are_replaced(console: PlainConsole) -> None:
    listed = table("NAME")
    listed.add_row(NAME)
    for renderable in (NAME, Text(NAME, style="red"), listed):
        console.print(renderable)
    text = printed(console)
    for control in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\x7f", "\x00"):
        assert control not in text
    assert text.count("a\ufffd]0;title") == 3


def test_styles_line_breaks_and_other_characters_are_kept(console: PlainConsole) -> None:
    console.print(Text("é \U0001f680\n\tb", style="bold"))
    assert "é \U0001f680\n" in printed(console).replace("\x1b[1m", "").replace("\x1b[0m", "")
