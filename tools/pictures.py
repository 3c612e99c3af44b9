"""Make matplotlib's pictures small: a drawing loses what no eye can see, an image all but its colours.

matplotlib writes positions to the millionth of a point, names every group, and repeats the font in every text. A plot
of 20 kB says the same in 4. What was made small once is left alone, so that a second time changes nothing.
"""

import base64
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
FONT = "DejaVu Sans,Verdana,sans-serif"  # Verdana's letters are as wide as DejaVu's, which matplotlib measures with
FAMILIES = {"DejaVu Sans": FONT, "DejaVu Sans Mono": "DejaVu Sans Mono,monospace"}
ROOT = {"font-family": FONT, "font-size": "10", "stroke-linejoin": "round"}  # inherited by all that says nothing else
DEFAULTS = {
    **ROOT,
    "fill": "#000",
    "stroke-linecap": "butt",
    "stroke-width": "1",
    "text-anchor": "start",
    "font-weight": "400",
}
INHERITED = {
    *("fill", "fill-opacity", "font-family", "font-size", "text-anchor"),
    *("stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width"),
}
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
ARGUMENTS = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}
MARK = 12  # points; what is no larger, and stands at the origin, is the shape of a mark


def small_svg(text: str) -> str:
    """matplotlib's SVG, looking the same in about a quarter of the characters; other SVG as it is.

    Colours, lines and fonts become attributes, which a style sheet can override.
    """
    if not (text.startswith("<?xml") and '<g id="figure_1">' in text):
        return text
    root = ET.fromstring(text)
    _drop_second_ground(root)
    used = {reference for element in root.iter() for reference in _references(element)}
    targets = {element.get("id"): element for element in root.iter() if element.get("id") in used}
    for element in root.iter():
        _attributes(element, used)
    for element in root.iter():
        if element.tag == f"{{{SVG}}}use":
            own = targets[element.get("href", "")[1:]].attrib
            for key in [key for key in sorted(INHERITED) if key in own and own[key] == element.get(key)]:
                del element.attrib[key]
    _flatten(root)
    view = root.get("viewBox")
    root.attrib.clear()
    width, height = (view or "0 0 0 0").split()[2:]
    root.attrib |= {"width": f"{width}pt", "height": f"{height}pt", "viewBox": view or "", **ROOT}
    ET.register_namespace("", SVG)
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def few_colours(png: bytes) -> bytes:
    """The PNG with a table of colours: all that it has if they are at most 256, else 256 that are near."""
    stored = Image.open(io.BytesIO(png))
    if stored.mode == "P":
        return png
    image = stored.convert("RGBA")
    pixels = np.asarray(image)
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) <= 256:
        table = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8), "P")
        table.putpalette(colours.tobytes(), "RGBA")
    else:
        table = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    table.save(file, "PNG", optimize=True)
    return min(png, file.getvalue(), key=len)


def path_data(data: str) -> str:
    """A path's `d`, rounded and relative: to a tenth of a point for a curve, to a hundredth for a mark.

    Examples
    --------
    >>> path_data("M 10.123 20 L 15.123 20 L 15.123 30.456 L 10 20 z")
    'M10.1 20h5v10.5l-5.1-10.5z'
    >>> path_data("M 0 3 C 0.796 3 1.559 2.684 2.121 2.121")
    'M0 3c.8 0 1.56-.32 2.12-.88'
    """
    commands = list(_commands(data))
    scale = 100 if all(abs(value) < MARK for _, values in commands for value in values) else 10
    out = []
    here = start = (0, 0)
    for letter, values in commands:
        points = [(round(x * scale), round(y * scale)) for x, y in zip(values[::2], values[1::2], strict=True)]
        moves = [n for x, y in points for n in (x - here[0], y - here[1])]
        name = letter.lower()
        if name == "l" and 0 in moves:
            name, moves = ("h", moves[:1]) if moves[1] == 0 else ("v", moves[1:])
            if moves == [0] and len(commands) > 2:
                continue
        if name == "m":
            name, moves = "M", [n for point in points for n in point]
        here = start if name == "z" else points[-1]
        start = here if name == "M" else start
        out.append((name, [short(n / scale) for n in moves]))
    return _joined(out)


def short(value: float, digits: int = 2) -> str:
    """A number in as few characters as possible.

    Examples
    --------
    >>> short(0.5), short(-0.25), short(3.0), short(-0.001), short(12.3456)
    ('.5', '-.25', '3', '0', '12.35')
    """
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return re.sub(r"^(-?)0\.", r"\1.", text) if float(text) else "0"


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    for letter, numbers in re.findall(r"([MLQCZmlqcz])([^MLQCZmlqcz]*)", data):
        values = [float(n) for n in NUMBER.findall(numbers)]
        if len(values) != ARGUMENTS[letter.upper()] or letter in "mlqc":
            raise ValueError(f"data: expected absolute commands M, L, Q, C, z, got {letter}{numbers}")
        yield letter.upper(), values


def _joined(commands: Iterable[tuple[str, list[str]]]) -> str:
    """Letters and numbers with as few separators as the grammar of paths allows."""
    text, last = "", ""
    for name, numbers in commands:
        previous = "" if name != last or name in "Mz" else "0"  # the number before, as far as it matters
        text += name if not previous else ""
        for number in numbers:
            text += number if not previous or number.startswith("-") else f" {number}"
            previous = number
        last = name
    return text


def _references(element: ET.Element) -> list[str]:
    """The ids that an element refers to."""
    found = re.findall(r"url\(#([^)]+)\)", " ".join(element.attrib.values()))
    return found + ([element.attrib[HREF][1:]] if element.get(HREF, "").startswith("#") else [])


def _drop_second_ground(root: ET.Element) -> None:
    """The white ground of axes on the white ground of the picture."""
    for group in root.iter(f"{{{SVG}}}g"):
        first = group[0] if group.get("id", "").startswith("axes_") and len(group) else ET.Element("none")
        if first.get("id", "").startswith("patch_") and [path.get("style") for path in first] == ["fill: #ffffff"]:
            group.remove(first)


def _attributes(element: ET.Element, used: set[str]) -> None:
    """An element's own attributes, as short as they can be."""
    old = dict(element.attrib)
    for name, _, value in (part.partition(":") for part in old.pop("style", "").split(";") if part):
        old[name.strip()] = value.strip()
    old |= _font(old.pop("font", ""))
    if HREF in old:
        old["href"] = re.sub(r"\s", "", old.pop(HREF))
    if old.get("href", "").startswith("data:image/png;base64,"):
        png = base64.b64decode(old["href"].partition(",")[2])
        old["href"] = "data:image/png;base64," + base64.b64encode(few_colours(png)).decode()
    element.attrib.clear()
    for name, value in old.items():
        value = path_data(value) if name == "d" else _value(name, value)
        unused = name == "id" and value not in used
        if not (unused or DEFAULTS.get(name) == value or value.startswith("rotate(0 ")):
            element.set(name, value)


def _font(value: str) -> dict[str, str]:
    """The parts of CSS's short form, such as `italic 700 12px 'DejaVu Sans', sans-serif`."""
    match = re.match(r"(?P<before>.*?)(?P<size>[\d.]+px) (?P<family>.*)", value)
    if match is None:
        return {}
    found = {"font-size": match["size"], "font-family": match["family"]}
    for word in match["before"].split():
        found["font-style" if word in ("italic", "oblique") else "font-weight"] = word
    return found


def _value(name: str, value: str) -> str:
    if name == "font-family":
        first = value.split(",")[0].strip(" '\"")
        return FAMILIES.get(first, value)
    if name in ("href", "id", "clip-path"):
        return value
    value = re.sub(r"#([0-9a-f])\1([0-9a-f])\2([0-9a-f])\3\b", r"#\1\2\3", value)
    if value.startswith("#"):
        return value
    digits = 4 if "scale" in value or "matrix" in value else 1 if name in ("x", "y", "x1", "y1", "x2", "y2") else 2
    value = NUMBER.sub(lambda match: short(float(match[0]), digits), value)
    return value.removesuffix("px") if name == "font-size" else value


def _flatten(element: ET.Element) -> None:
    """Dissolve groups that say nothing, and let a group say what all its members say."""
    members: list[ET.Element] = []
    for child in list(element):
        _flatten(child)
        child.tail = None if child.tail is None or not child.tail.strip() else child.tail
        if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
            continue
        if child.tag == f"{{{SVG}}}g" and not child.attrib:
            members += list(child)
        elif len(child) or child.tag not in (f"{{{SVG}}}g", f"{{{SVG}}}defs"):
            members.append(child)
    element[:] = members
    if element.text is not None and not element.text.strip() and element.tag != f"{{{SVG}}}tspan":
        element.text = None
    if element.tag == f"{{{SVG}}}g" and len(members) > 1:
        for name in sorted(INHERITED):
            values = {member.get(name) for member in members}
            if len(values) == 1 and None not in values:
                element.set(name, values.pop() or "")
                for member in members:
                    del member.attrib[name]
