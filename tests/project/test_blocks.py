"""Templates fill only blocks of the templates they extend: any other block is silently never shown."""

from pathlib import Path

import pytest
from django.conf import settings
from django.template import Node, Template, engines
from django.template.loader_tags import BlockNode, ExtendsNode

TEMPLATES = Path(settings.BASE_DIR) / "templates"
LAYOUT = "base.html"
"""The value of `layout` in `{% extends layout %}` outside of frames, whatever the variable's name."""


def compiled(name: str) -> Template:
    return engines["django"].get_template(name).template


def extends(template: Template) -> ExtendsNode | None:
    return next(iter(template.nodelist.get_nodes_by_type(ExtendsNode)), None)


def block_names(nodes: list[Node]) -> set[str]:
    return {node.name for node in nodes if isinstance(node, BlockNode)}


def unknown_blocks(template: Template) -> set[str]:
    """Return the blocks of a template that its parents lack."""
    child = extends(template)
    if child is None:
        return set()
    filled, known = block_names(child.nodelist), set()
    while child is not None:
        parent = compiled(child.parent_name.var if isinstance(child.parent_name.var, str) else LAYOUT)
        known |= block_names(parent.nodelist.get_nodes_by_type(BlockNode))
        child = extends(parent)
    return filled - known


@pytest.mark.parametrize("name", sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")))
def test_every_block_that_is_filled_is_one_of_a_template_above(name):
    assert unknown_blocks(compiled(name)) == set()


def test_a_block_that_nothing_shows_is_found():
    template = engines["django"].from_string('{% extends "base.html" %}{% block misspelt %}{% endblock %}').template

    assert unknown_blocks(template) == {"misspelt"}
