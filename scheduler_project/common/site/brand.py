"""The brand's colour as the colours of pages, each of which can be read (WCAG 2.2, 1.4.3)."""

from colorsys import hls_to_rgb, rgb_to_hls
from typing import NamedTuple

ENOUGH = 4.6
"""The contrast of text, a little more than the 4.5 of WCAG, because colours are rounded."""

STEP = 0.01

Colour = tuple[float, float, float]
"""Red, green and blue, from 0 to 1."""


class Tones(NamedTuple):
    """The colours of links and buttons in one theme, by the names of `pages.css`."""

    ink: Colour
    ink_strong: Colour
    ink_soft: Colour
    on_ink: Colour


class Theme(NamedTuple):
    """The papers that text stands on, and the direction in which text gets easier to read on them."""

    papers: tuple[Colour, ...]
    step: float
    on_ink: Colour


def parse(text: str) -> Colour:
    red, green, blue = (int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def written(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


LIGHT = Theme((parse("#ffffff"), parse("#f4f5f2")), -STEP, parse("#ffffff"))
DARK = Theme((parse("#1d2324"), parse("#141819")), STEP, parse("#0c1211"))


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of WCAG 2.2, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def tones(brand: Colour, theme: Theme) -> Tones:
    """Return the brand's colour as near as it can be read on the theme's papers and below the text of its buttons."""
    hue, lightness, saturation = rgb_to_hls(*brand)
    while True:
        ink = hls_to_rgb(hue, lightness, saturation)
        soft = _mixed(ink, theme.papers[0], 0.13)
        if all(contrast(ink, other) >= ENOUGH for other in (*theme.papers, soft, theme.on_ink)):
            strong = hls_to_rgb(hue, _within(lightness + 12 * theme.step), saturation)
            return Tones(ink, strong, soft, theme.on_ink)
        lightness = _within(lightness + theme.step)


def _within(lightness: float) -> float:
    return min(max(lightness, 0.0), 1.0)


def _mixed(colour: Colour, paper: Colour, share: float) -> Colour:
    red, green, blue = (part * share + ground * (1 - share) for part, ground in zip(colour, paper, strict=True))
    return red, green, blue


def stylesheet(brand: str) -> str:
    """Return the rules that give pages the brand's colour `#rrggbb` in both themes."""
    light, dark = (_rules(tones(parse(brand), theme)) for theme in (LIGHT, DARK))
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _rules(found: Tones) -> str:
    return ";".join(f"--{name.replace('_', '-')}:{written(colour)}" for name, colour in found._asdict().items())
