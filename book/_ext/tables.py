"""Wide tables become lists on a phone: the style sheet decides when, and each cell says to which column it belongs.

This is written into the page when it is built. A script would come after the first picture of the page, and everything
below a table would jump.
"""

from __future__ import annotations

import re
from html import escape, unescape

LONG = 60  # letters in a row that do not fit a phone
TABLE = re.compile(r'<table class="(?!dataframe)([^"]*\btable\b[^"]*)"([^>]*)>(.*?)</table>', re.DOTALL)
ROW = re.compile(r"<tr\b[^>]*>.*?</tr>", re.DOTALL)
CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.DOTALL)


def listed(body: str) -> str:
    """Mark the tables of a page that a phone shows as lists.

    >>> head = "<thead><tr><th>a</th><th>b</th><th>c</th></tr></thead>"
    >>> listed(f'<table class="table">{head}<tbody><tr><td>1</td><td>2</td><td>3</td></tr></tbody></table>')[-83:]
    '<tr><td>1</td><td data-head="b">2</td><td data-head="c">3</td></tr></tbody></table>'
    >>> short = '<table class="table"><tbody><tr><td>1</td><td>2</td></tr></tbody></table>'
    >>> listed(short) == short
    True
    """
    return TABLE.sub(_table, body)


def _table(match: re.Match[str]) -> str:
    classes, attributes, inner = match.groups()
    head, separator, rows = inner.partition("</thead>")
    if not separator:
        head, rows = "", inner
    names = [_text(content) for _, _, content in CELL.findall(head)]
    if len(names) < 3 and not any(len(_text(row)) > LONG for row in ROW.findall(rows)):
        return match[0]
    if len(names) > 2:
        rows = ROW.sub(lambda row: _named(row[0], names), rows)
    return f'<table class="{classes} listed"{attributes}>{head}{separator}{rows}</table>'


def _named(row: str, names: list[str]) -> str:
    """A row whose cells, but for the first, carry the name of their column."""
    numbers = iter(range(len(names)))

    def cell(match: re.Match[str]) -> str:
        tag, attributes, content = match.groups()
        name = names[n] if (n := next(numbers, 0)) else ""
        said = f' data-head="{escape(name)}"' if name else ""
        return f"<{tag}{attributes}{said}>{content}</{tag}>"

    return CELL.sub(cell, row)


def _text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()
