"""Matplotlib's drawings become part of the page: sharp, in its colours, their panels stacked on a phone.

An SVG that a notebook's cell has stored is written into the page instead of being loaded as a picture, because only
then its text and its colours follow the page. Each colour is given a partner for dark pages: that of the palette where
it has one, else the same hue with its lightness turned round. Where two or more panels stand side by side, each of them
is shown once more by itself, one below the other; the style sheet decides by the width of the page which are seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sphinx.application import Sphinx

from rnnlib.figures.base import HERE

IMAGE = re.compile(r'<img ([^>]*)src="[^"]*?([^/"]+\.svg)"([^>]*)/?>')
ALT = re.compile(r'alt="([^"]*)"')
COLOUR = re.compile(r'\b(fill|stroke|stop-color)="(#[0-9a-fA-F]{3,6})"')
PARTNERS = re.compile(r"light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
NAME = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')
BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
PANEL = re.compile(r'<clipPath[^>]*><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/></clipPath>')
LABEL = re.compile(r"<text ([^>]*)>([^<]*)")


def inline_drawings(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Put the drawings of a page's cells into its body."""
    stored = {name: Path(app.srcdir) / source for source, name in getattr(app.builder, "images", {}).items()}
    count = 0

    def drawing(match: re.Match[str]) -> str:
        nonlocal count
        source = stored.get(match[2])
        text = source.read_text(encoding="utf8") if source and source.exists() else ""
        if not text.startswith("<svg") or not BOX.search(text):
            return match[0]
        count += 1
        alt = ALT.search(match[1] + match[3])
        return in_page(text, f"drawing-{count}", alt[1] if alt else "")

    context["body"] = IMAGE.sub(drawing, context.get("body", ""))


def in_page(svg: str, name: str, alt: str) -> str:
    """An SVG as a part of a page: names of its own, colours for light and dark, panels for narrow pages."""
    width, height = (float(size) for size in BOX.search(svg).groups())  # type: ignore[union-attr]  # who calls has looked
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    inner = re.sub(r'<path d="M0 [\d.]+h[\d.]+v-[\d.]+h-[\d.]+z" fill="#fff"/>', "", inner, count=1)  # the paper
    inner = NAME.sub(rf"\g<1>{name}-\g<2>", inner)
    inner = COLOUR.sub(lambda match: f'{match[1]}="light-dark({match[2]}, {partner(match[2])})"', inner)
    look = 'font-family="inherit" font-size="10" stroke-linejoin="round"'
    said = f' role="img" aria-label="{alt}"' if alt else ""
    room = f'viewBox="0 0 {width:g} {height:g}" style="--width: {width * 4 / 3:.0f}px"'
    whole = (
        f'<svg class="drawing-whole" {room} aria-hidden="true" {look}>'
        f'<g id="{name}" fill="light-dark(#000000, {partner("#000000")})">{inner}</g></svg>'
    )
    parts = "".join(
        part(name, (left, right), axis, height, look)
        for (left, right), axis in zip(columns(inner, width), borrowed(inner), strict=False)
    )
    kind = "drawing panels" if parts else "drawing"
    return f'<div class="{kind}"{said}>{whole}{parts}</div>'


def part(name: str, panel: tuple[float, float], axis: float, height: float, look: str) -> str:
    """One panel by itself, with the first `axis` units of the drawing, the numbers of a shared axis, to its left."""
    left, right = panel
    width = axis + right - left
    strips = [(0.0, 0.0, axis), (axis, left, right - left)] if axis else [(0.0, left, width)]
    inner = "".join(
        f'<svg x="{at:g}" width="{size:g}" height="{height:g}" viewBox="{start:g} 0 {size:g} {height:g}">'
        f'<use href="#{name}"/></svg>'
        for at, start, size in strips
    )
    return (
        f'<svg class="drawing-part" viewBox="0 0 {width:g} {height:g}" style="--width: {width * 4 / 3:.0f}px" '
        f'aria-hidden="true" {look}>{inner}</svg>'
    )


def placed(inner: str) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of each panel, from the left."""
    return sorted({(float(x), float(y), float(w), float(h)) for x, y, w, h in PANEL.findall(inner)})


def borrowed(inner: str) -> list[float]:
    """For each panel how wide the labels of the first one are, if it has none of its own because it shares the axis.

    >>> panels = [f'<clipPath id="p{x}"><rect x="{x}" y="9" width="90" height="70"/></clipPath>' for x in (30, 130)]
    >>> borrowed("".join(panels) + '<text x="25" text-anchor="end" y="40">0.5</text>')
    [0.0, 30.0]
    >>> borrowed("".join(panels) + '<text x="25" text-anchor="end">1</text><text x="127" text-anchor="end">1</text>')
    [0.0, 0.0]
    """
    panels = placed(inner)
    starts = list(label_starts(inner))
    axis = panels[0][0] if panels and any(start < panels[0][0] for start in starts) else 0.0
    widths = [0.0]
    for (x, y, size, height), after in pairwise(panels):
        own = any(x + size < start < after[0] for start in starts)
        widths.append(0.0 if own or (y, height) != (after[1], after[3]) else axis)
    return widths


def columns(inner: str, width: float) -> list[tuple[float, float]]:
    """From where to where each panel reaches, with its labels, if the panels stand in one row; else nothing."""
    panels = placed(inner)
    if len(panels) < 2 or len({y for _, y, _, _ in panels}) > 1:
        return []
    cuts = [0.0]
    for (x, _, size, _), (after, *_) in pairwise(panels):
        end = x + size
        if after < end:
            return []
        lefts = [left for left in label_starts(inner) if end < left < after]
        cuts.append(min(lefts, default=after) - 2)
    return list(zip(cuts, [*cuts[1:], width], strict=True))


def label_starts(inner: str) -> Iterator[float]:
    """Where the labels left of a panel begin: numbers that end at its axis, and the turned name of the axis."""
    for attributes, text in LABEL.findall(inner):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        size = float(values.get("font-size", 10))
        turned = re.search(r"translate\(([\d.]+)|rotate\(-90[ ,]([\d.]+)", values.get("transform", ""))
        if turned:
            yield float(turned[1] or turned[2]) - size
        elif values.get("text-anchor") == "end" and "x" in values:
            yield float(values["x"]) - 0.65 * size * len(text)


def palette() -> dict[str, str]:
    """The partner on dark pages of each colour of the palette."""
    return dict(PARTNERS.findall((HERE / "palette.css").read_text(encoding="utf8")))


def partner(colour: str) -> str:
    """The colour that takes another's place on a dark page.

    >>> partner("#0072B2"), partner("#fff"), partner("#000")
    ('#6bb5ec', '#191e25', '#e6eaef')
    """
    full = colour.lower() if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:].lower())
    known = palette()
    if full in known:
        return known[full]
    red, green, blue = (int(full[i : i + 2], 16) / 255 for i in (1, 3, 5))
    light = max(red, green, blue) + min(red, green, blue)  # twice the lightness of HSL: 0 to 2
    turned = 0.3 + 1.6 * (1 - light / 2)  # never as dark as the page, nor glaring
    factor = (2 - abs(turned - 1) * 2) / max(2 - abs(light - 1) * 2, 1e-6)
    channels = (turned / 2 + (channel - light / 2) * min(1.0, factor) for channel in (red, green, blue))
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, channel))):02x}" for channel in channels)
