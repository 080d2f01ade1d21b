"""The model card (README.md of a model folder) as HTML that may stand inside the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from genescribe.errors import InputError

CARD = "README.md"
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_DEEPEST = 6


def read_card(folder: Path, level: int) -> Markup | None:
    """The card of a model folder, or None if it has none.

    Its front matter, which is for machines, is left out. HTML and pictures in it are not passed on (but a
    picture's text is), so that the page loads nothing and runs nothing that the card says.

    Args:
        folder: the model folder.
        level: level that a heading of the first level gets; deeper ones follow.

    Raises:
        InputError: the card is not UTF-8 text.
    """
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; write the model card again", path) from error
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_without_empty_heads(parser.parse(_FRONT_MATTER.sub("", text))))
    for token in tokens:
        _fit(token, level - 1)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _without_empty_heads(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out table heads without a word: Markdown has no table without a head, a reader needs none."""
    head: list[Token] = []
    for token in tokens:
        if head or token.type == "thead_open":
            head.append(token)
            if token.type == "thead_close":
                if any(one.content for one in head):
                    yield from head
                head = []
        else:
            yield token


def _fit(token: Token, deeper: int) -> None:
    """Make a token fit the page: headings below the page's own, named columns, no pictures."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + deeper, _DEEPEST)}"
    elif token.type == "th_open":
        token.attrSet("scope", "col")
    elif token.type == "link_open" and not str(token.attrGet("href")).startswith(("https://", "http://")):
        # Files beside the card are not in the page.
        token.attrs.pop("href")
    elif token.type == "image":
        token.type, token.children = "text", None
    for child in token.children or ():
        _fit(child, deeper)
