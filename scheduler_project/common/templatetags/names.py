"""What others wrote (names, titles) between our words, turning none of them around. In every template as it is."""

from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html

from scheduler_project.common.text import isolated as isolated_text
from scheduler_project.common.text import turns, without_directions

register = template.Library()


@register.filter
def isolated(value: Any) -> str:
    """A name in an attribute, a page's title or an option, where no element can be."""
    return isolated_text(str(value))


@register.filter
def bdi(value: Any) -> str:
    """A name in a heading or running text, as HTML. One that runs with the page stays bare."""
    text = without_directions(str(value))
    return format_html("<bdi>{}</bdi>", text) if turns(text) else conditional_escape(text)
