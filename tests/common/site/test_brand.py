"""The brand's colour on pages: readable in both themes, and as it is where it can be read."""

import pytest

from scheduler_project.common.site.brand import DARK, LIGHT, contrast, parse, tones, written

COLOURS = ["#ffffff", "#000000", "#ffff00", "#0a655d", "#ff0000", "#7f7f7f", "#00ff7f", "#0000ff"]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("brand", COLOURS)
def test_tones_can_be_read(brand, theme):
    found = tones(parse(brand), theme)

    grounds = (*theme.papers, found.ink_soft)
    assert min(contrast(found.ink, ground) for ground in grounds) >= 4.5
    assert min(contrast(found.ink, found.on_ink), contrast(found.ink_strong, theme.papers[0])) >= 4.5


def test_tones_keep_a_colour_that_can_be_read():
    assert written(tones(parse("#0a655d"), LIGHT).ink) == "#0a655d"


def test_contrast_of_black_and_white():
    assert contrast(parse("#000000"), parse("#ffffff")) == pytest.approx(21)


def test_stylesheet_is_kept_for_ever(client):
    response = client.get("/brand/ff0000.css")

    assert "immutable" in response.headers["Cache-Control"]
    assert b"--ink:#" in response.content
