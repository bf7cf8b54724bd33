"""Filters for user input (names, titles) within our text that keep each part's writing direction. Built into every
template."""

from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html

from scheduler_project.common.validators import is_bidirectional, without_directions
from scheduler_project.common.validators import isolated as isolated_text

register = template.Library()


@register.filter
def isolated(value: Any) -> str:
    """Return an isolated name for an attribute, a page's title or an option, which cannot contain an element."""
    return isolated_text(str(value))


@register.filter
def bdi(value: Any) -> str:
    """Return a name for a heading or running text as HTML, isolated only if its direction differs from the page's."""
    text = without_directions(str(value))
    return format_html("<bdi>{}</bdi>", text) if is_bidirectional(text) else conditional_escape(text)
