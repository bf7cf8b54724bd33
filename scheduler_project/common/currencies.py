"""Currencies by ISO 4217: their names, and amounts in words of each language."""

from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import format_currency, format_decimal
from django.utils.translation import get_language


def currency_choices() -> list[tuple[str, str]]:
    """Return the currencies in use today, by name in the active language."""
    return _named(get_language() or "en")


@cache
def _named(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language, sep="-").currencies
    return sorted(((code, f"{names[code]} ({code})") for code in CURRENCIES if code in names), key=lambda pair: pair[1])


CURRENCIES = (
    "AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CRC CZK DKK EGP EUR GBP GEL GHS HKD HUF IDR ILS INR ISK JOD JPY KES "
    "KRW KZT LKR MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TND TRY TWD TZS UAH UGX USD UYU "
    "VND XAF XOF ZAR"
).split()


def amount(value: Decimal, currency: str) -> str:
    """Return an amount in the active language: `45.00 €`; without a currency the number alone."""
    language = (get_language() or "en").replace("-", "_")
    return format_currency(value, currency, locale=language) if currency else format_decimal(value, locale=language)
