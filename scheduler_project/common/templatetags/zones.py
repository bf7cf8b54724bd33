"""The filter that names a timezone by its city. Built into every template."""

from django import template

from scheduler_project.common.time.zones import city_of

register = template.Library()
register.filter("city", city_of)
