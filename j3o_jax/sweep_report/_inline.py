"""SVG for the inside of a page: no clash of ids, colours that follow the page's scheme, text in the page's fonts."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"font-family:[^;]*;?")
_HIT_RADIUS = 7


def inlined(svg: bytes, prefix: str, words: str, hits: Iterable[tuple[float, float, str]] = ()) -> str:
    """Make a picture an element of a page.

    **Arguments:**

    - `svg`: as matplotlib writes it.
    - `prefix`: of all ids, different for every picture of a page.
    - `words`: what somebody is told who does not see it.
    - `hits`: places and what is told of each where it is pointed at.
    """
    root = _prepared(svg, prefix)
    root.attrib |= {"role": "img", "aria-label": words}
    for x, y, told in hits:
        place = {"class": "hit", "cx": f"{x:.2f}", "cy": f"{y:.2f}", "r": f"{_HIT_RADIUS}"}
        ET.SubElement(ET.SubElement(root, f"{{{SVG}}}circle", place), f"{{{SVG}}}title").text = told
    return _text(root)


def symbol(svg: bytes, name: str) -> str:
    """Make a picture an element that a page shows again and again, by ``<use href="#name">``."""
    root = _prepared(svg, name)
    root.tag = f"{{{SVG}}}symbol"
    root.attrib["id"] = name
    return _text(root)


def _text(root: ET.Element) -> str:
    ET.register_namespace("", SVG)
    return ET.tostring(root, encoding="unicode")


def _prepared(svg: bytes, prefix: str) -> ET.Element:
    root = ET.fromstring(svg)
    used = _used(root)
    for parent in list(root.iter()):
        for child in list(parent):
            # Its rules would be the whole page's.
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
        _rewrite(parent, prefix, used)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    return root


def _used(root: ET.Element) -> set[str]:
    """Collect the ids that something refers to; the others are matplotlib's own bookkeeping."""
    used: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == f"{{{XLINK}}}href":
                used.add(value.removeprefix("#"))
            used.update(_REFERENCE.findall(value))
    return used


def _rewrite(element: ET.Element, prefix: str, used: set[str]) -> None:
    attributes = element.attrib
    if "id" in attributes:
        own = attributes.pop("id")
        if own in used:
            attributes["id"] = f"{prefix}-{own}"
    if f"{{{XLINK}}}href" in attributes:
        attributes["href"] = f"#{prefix}-{attributes.pop(f'{{{XLINK}}}href').removeprefix('#')}"
    for name in ("clip-path", "mask", "filter"):
        if name in attributes:
            attributes[name] = _REFERENCE.sub(rf"url(#{prefix}-\1)", attributes[name])
    if "style" in attributes:
        style = _REFERENCE.sub(rf"url(#{prefix}-\1)", attributes["style"])
        # A page in dark colours names others for some of them.
        style = _COLOUR.sub(lambda found: f"var(--c-{found[1].lower()}, #{found[1].lower()})", style)
        attributes["style"] = _FONT.sub("", style).strip()
