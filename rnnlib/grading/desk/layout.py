"""What all pages of the desk share: one HTML file without scripts, for a phone, a printer and a screen reader."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ..text import tidy

STYLE = """\
:root {
  color-scheme: light dark;
  --ink: light-dark(#1c2128, #e6eaef); --muted: light-dark(#57606a, #a3aebb);
  --page: light-dark(#ffffff, #191e25); --raised: light-dark(#f4f6f9, #222932); --line: light-dark(#d5dbe2, #39424d);
  --good: light-dark(#00745a, #4bcfa4); --bad: light-dark(#b54a00, #ff9c5e);
  --mark: light-dark(#ffe3cc, #5a3413); --blue: light-dark(#0067a3, #6bb5ec); --grey: light-dark(#6b7680, #98a3af);
}
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
section { border-top: 1px solid var(--line); padding-top: 1rem; margin-top: 1.5rem; }
a { color: var(--blue); }
.total { font-size: 1.25rem; font-weight: 600; }
.note { color: var(--muted); }
.message, .teacher { white-space: pre-wrap; overflow-wrap: anywhere; }
.teacher { border-left: .25rem solid var(--blue); padding: .25rem .75rem; margin: .75rem 0; background: var(--raised); }
.answer { border-left: .25rem solid var(--line); padding-left: .75rem; } img { max-width: 100%; height: auto; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
pre { font: .875rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0;
  padding: .5rem .75rem; background: var(--raised); border: 1px solid var(--line); border-radius: .25rem; }
.beside { display: grid; gap: 0 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.beside > * { min-width: 0; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
.tasks { width: 100%; } .tasks td:nth-child(2), .tasks [scope="col"] { white-space: nowrap; }
.numbers th, .numbers td { text-align: right; font-variant-numeric: tabular-nums; padding: .1rem .5rem .1rem 0;
  font-size: .875rem; }
.numbers th { font-weight: 400; color: var(--muted); }
mark { color: inherit; background: var(--mark); font-weight: 700; text-decoration: underline; }
svg { display: block; max-width: 100%; height: auto; }
summary { cursor: pointer; }
.bar { display: flex; height: 1rem; min-width: 8rem; border: 1px solid var(--line); }
.bar i { display: block; }
.passed { background: var(--good); } .failed { background: var(--bad); } .other { background: var(--grey); }
.none { background: var(--page); } .by { background: var(--blue); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; padding: 0;
  font-size: .875rem; color: var(--muted); }
.legend i { display: inline-block; width: 1rem; height: .75rem; border: 1px solid var(--line); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 34rem) {
  .wide, .wide tbody, .wide tr, .wide td, .wide th { display: block; border: 0; padding: 0; }
  .wide tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } .wide thead { display: none; }
  .wide td[data-is]::before { content: attr(data-is) ": "; color: var(--muted); }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; margin: 0; font-size: 10pt; } h2, h3 { break-after: avoid; } pre { break-inside: avoid; }
}
"""


def escape(text: str) -> str:
    """Text as HTML."""
    return html.escape(tidy(text))


def document(title: str, body: str) -> str:
    """A whole HTML page; `title` is text, `body` is HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def code(source: str) -> str:
    """Code in a box; long lines are broken rather than hidden."""
    return f"<pre><code>{escape(source.strip(chr(10)))}</code></pre>"


def wide_table(heads: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """A table that becomes a list on a phone; cells are HTML, the first of each row names it.

    Its parts name their roles, which they would lose as a list.
    """
    heads = list(heads)
    head = "".join(f'<th role="columnheader" scope="col">{name}</th>' for name in heads)
    body = ""
    for row in rows:
        first, *rest = row
        cells = "".join(
            f'<td role="cell" data-is="{name}">{cell}</td>' for name, cell in zip(heads[1:], rest, strict=True)
        )
        body += f'<tr role="row"><th role="rowheader" scope="row">{first}</th>{cells}</tr>\n'
    return (
        f'<table role="table" class="wide {kind}">\n<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{body}</tbody>\n</table>\n'
    )
