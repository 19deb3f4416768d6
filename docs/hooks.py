"""Hooks of MkDocs: generate pages, and translate links that work in the repository into links of the site.

- The README and the changelog become pages, and a link to a file of the repository leads to its page.
- `<!-- generate: … -->` in a page is replaced with the command line, the fields of a package, or an example.
- Code blocks of a dialect (```` ```yaml kudo.dev/v1 templates/page.yaml ````) become tabs.
"""

import json
import posixpath
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from kudo.cli.main import app
from kudo.model.durations import PATTERN
from kudo.packages import SCHEMA_NAMES, schema

ROOT = Path(__file__).parents[1]

START = ("README.md", "CHANGELOG.md")
"""Files outside docs/ that are pages; so are the files that these, or pages of docs/, link to."""

EXAMPLES = "examples.md"
"""The page that shows the files below examples/."""

ENGINES = {"kudo.dev/v1": "Jinja2", "kudo.dev/v1beta1": "Go templates"}

LANGUAGES = {".yaml": "yaml", ".py": "python"}

_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]+)?\)")
_GENERATE = re.compile(r"^<!-- generate: (\S+) ?(\S*) -->$", re.MULTILINE)
_FENCE = re.compile(r"^```yaml (\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_TABLE_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_EXTERNAL = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that become pages."""
    names = [*START, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    for name in names:
        text = (ROOT / name).read_text()
        if not name.startswith("docs/"):
            files.append(File.generated(config, _place(name), content=text))
        names += [target for target in dict.fromkeys(_linked_files(name, text)) if target not in names]
    return files


def _linked_files(name: str, text: str) -> Iterator[str]:
    """Yield the files outside docs/ and examples/ that a page links to."""
    for link in _LINK.finditer(text) if name.endswith(".md") else ():
        target = _target(name, link["path"])
        if (ROOT / target).is_file() and not target.startswith(("docs/", "examples/")):
            yield target


def _place(name: str) -> str:
    """Return the path on the site of a file of the repository."""
    if name.startswith("examples"):
        return EXAMPLES
    return {"README.md": "index.md"}.get(name) or (name.lower() if "/" not in name else name.removeprefix("docs/"))


def _target(origin: str, link: str) -> str:
    """Return the path in the repository that a link leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Insert generated text, and translate links, code in tables (only GitHub needs `\\|`) and code blocks."""
    source = page.file.src_uri
    links = _LINK.sub(lambda link: _translated(link, source), markdown)
    blocks = _FENCE.sub(_code_block, links)
    generated = _GENERATE.sub(lambda found: GENERATORS[found[1]](found[2]), blocks)
    return _TABLE_ROW.sub(lambda row: _CODE.sub(lambda code: code[0].replace(r"\|", "|"), row[0]), generated)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Raise PluginError if a page loads something from another site."""
    if external := _EXTERNAL.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from another site: {external[0]}")
    return output


def _translated(link: re.Match[str], source: str) -> str:
    """Return a relative link of the repository as a link of the site; a broken link stays, and fails the build."""
    origins = {_place(file.name): file.name for file in ROOT.iterdir() if file.is_file()}
    target, anchor = _target(origins.get(source, f"docs/{source}"), link["path"]), link["anchor"] or ""
    if not (ROOT / target).exists():
        return link[0]
    if target.startswith("examples"):
        anchor = "".join(f"#{name}" for name in target.split("/")[1:2])
    elif (ROOT / target).is_dir():
        return link["text"]  # The site has no page for a folder.
    return f"[{link['text']}]({posixpath.relpath(_place(target), posixpath.dirname(source) or '.')}{anchor})"


def _code_block(block: re.Match[str]) -> str:
    """Return a block of a dialect as a tab, and any other with its title."""
    dialect, file, code = block[1], block[2], block[3]
    if dialect not in ENGINES:
        return f'```yaml title="{dialect}"\n{code}```'
    fence = "".join(f"    {line}" for line in f'```yaml title="{file}"\n{code}```\n'.splitlines(keepends=True))
    # The exclamation mark begins a new set of tabs, so that each pair of blocks has its own.
    return f'==={"!" if dialect == "kudo.dev/v1" else ""} "{ENGINES[dialect]} ({dialect})"\n\n{fence}'


def _command_line(_: str) -> str:
    """Return every command with its arguments and options, from typer's own generator."""
    generator = [sys.executable, "-m", "typer", "kudo.cli.main", "utils", "docs", "--name", "kudo"]
    text = subprocess.run(generator, stdout=subprocess.PIPE, text=True, check=True).stdout
    summaries = dict(re.findall(r"^#+ `(kudo [^`]+)`\n\n(.+)$", text, re.MULTILINE))
    return "\n".join(_reference_lines(text.splitlines()[1:], summaries))


def _reference_lines(lines: list[str], summaries: dict[str, str]) -> Iterator[str]:
    """Yield the generator's lines with full summaries, links to the commands, and the option names of our help."""
    help_names = ", ".join((app.info.context_settings or {}).get("help_option_names", ["--help"]))
    command, listing = "kudo", False
    for line in lines:
        if heading := re.fullmatch(r"#+ `(.+)`", line):
            command = heading[1]
        if line.startswith("**"):
            listing = line == "**Commands**:"
        item = re.match(r"\* `([^`]+)`", line)
        if listing and item:
            full = f"{command} {item[1]}"
            yield f"* [`{full}`](#{full.replace(' ', '-')}): {summaries.get(full, '')}"
        else:
            yield line.replace("* `--help`", f"* `{help_names}`")


def _fields(name: str) -> str:
    """Return the fields of a file of a package, from its JSON Schema. Raises PluginError if it has none."""
    if name not in SCHEMA_NAMES:
        raise PluginError(f"There is no schema {name!r}.")
    document: Any = schema(name)
    definitions = document["definitions"]
    order = _in_order_of_use(definitions, document["then"]["$ref"].rpartition("/")[2])
    return "\n".join(line for key in order for line in _part(key.removeprefix("v1."), definitions))


def _in_order_of_use(definitions: dict[str, Any], root: str) -> list[str]:
    """Return a root and the definitions that it uses, each before those that it uses."""
    found = [root]
    for name in found:
        used = re.findall(r"#/definitions/([^'\"]+)", str(definitions[name]))
        found += [key for key in dict.fromkeys(used) if key not in found]
    return found


def _part(name: str, definitions: dict[str, Any]) -> Iterator[str]:
    part, older = definitions[f"v1.{name}"], definitions.get(f"v1beta1.{name}", {"properties": {}})
    yield from (f"### {name}", "", part["description"], "", "| Field | Type | Meaning |", "|---|---|---|")
    for field, described in part["properties"].items():
        notes = ["required"] if field in part.get("required", ()) else []
        notes += ["`kudo.dev/v1` only"] if "FieldOfV1" in str(older["properties"].get(field)) else []
        notes += [f"default `{json.dumps(described['default']).strip(chr(34))}`"] if "default" in described else []
        note = f" ({', '.join(notes)})" if notes else ""
        yield f"| `{field}` | {_type(described)} | {described['description']}{note} |"
    yield ""


def _type(part: dict[str, Any]) -> str:
    """Return the type of a field in words, with links to the types of this page."""
    match part:
        case {"$ref": str(reference)}:
            name = reference.rpartition(".")[2]
            return f"[{name}](#{name.lower()})"
        case {"const": value}:
            return f"`{value}`"
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values if value is not None)
        case {"anyOf": [first, *_]}:
            return _type(first)
        case {"allOf": [*conditions]} if "if" in conditions[0]:
            return ", ".join(_type(condition["then"]) for condition in conditions)
        case {"items": items} if items:
            return f"list of {_type(items)}"
        case {"additionalProperties": dict(values)}:
            return f"map of {_type(values)}"
        case {"pattern": pattern} if pattern == PATTERN:
            return "duration"
        case {"type": [first, *_]} | {"type": first}:
            return "list" if first == "array" else str(first)
    return "any"


def _example(name: str) -> str:
    """Return the files of an example; those of a package begin with operator.yaml."""
    root = ROOT / "examples" / name
    return "\n".join(
        f'```{LANGUAGES[file.suffix]} title="{file.relative_to(root)}"\n{file.read_text().rstrip()}\n```\n'
        for file in sorted(root.rglob("*"), key=lambda file: (len(file.parts), file))
        if file.suffix in LANGUAGES
    )


GENERATORS: dict[str, Callable[[str], str]] = {"command-line": _command_line, "fields": _fields, "example": _example}
