"""Phone numbers as people write them."""

from django.utils.timezone import get_current_timezone_name
from phonenumber_field.phonenumber import PhoneNumber, to_python

from scheduler_project.common.countries import country_of
from scheduler_project.common.site.queries import site_settings


def with_country(text: str) -> PhoneNumber | str:
    """Return the number with its country; the text as it is if it is no number anywhere.

    A number without a country code is one of the site's country, else of that of the current timezone: `030 901825`,
    `(212) 555-0123`. `0049 30 901825` has one.
    """
    text = text.strip().removeprefix("tel:")
    if text.startswith("00"):
        text = f"+{text[2:]}"
    for country in (None, site_settings().country, country_of(get_current_timezone_name())):
        if country == "":
            continue
        number = to_python(text, region=country)
        if number and number.is_valid():
            return number
    return text
