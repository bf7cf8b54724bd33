"""Serializer fields and filters for text, numbers, dates, ids and ordering, stricter than the stock ones.

Digits are ASCII, strings are matched to their end, text is composed (NFC). Stock fields accept `"1_5"`, `"१५"` and a
date with a trailing newline; a test forbids them wherever the API reads input."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import django_filters
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from phonenumber_field.serializerfields import PhoneNumberField
from rest_framework import serializers

from scheduler_project.common.db.translations import TranslatedModel, other_languages
from scheduler_project.common.pages import forms
from scheduler_project.common.phones import with_country
from scheduler_project.common.time.zones import read_date, validate_timezone
from scheduler_project.common.validators import composed, one_line, public_email

ID = "[0-9]{1,18}"
"""An id in a path."""


BIGGEST_ID = 2**63 - 1


WHOLE = re.compile(r"-?[0-9]+")


class TextField(serializers.CharField):
    """Text of any number of lines."""

    def to_internal_value(self, data: Any) -> str:
        return composed(super().to_internal_value(data))


class LineField(TextField):
    """Non-blank text on one line, such as a name or a title; it must contain something visible."""

    def __init__(self, *, validators: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators += [one_line, *validators]


class LoginField(serializers.EmailField):
    """The email of a login, in lower case, so that one mailbox has one spelling."""

    def __init__(self, *, max_length: int = 254, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return composed(super().to_internal_value(data)).lower()


class EmailField(LoginField):
    """An email that others can write to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(public_email)


class URLField(serializers.URLField):
    """A web address on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(one_line)


class SlugField(serializers.SlugField):
    """Letters, digits, hyphens and underscores of ASCII, to the last character."""

    default_error_messages = {"invalid": _("Use letters, digits, hyphens and underscores only.")}

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if not re.fullmatch(r"[-a-zA-Z0-9_]*", text):
            self.fail("invalid")
        return text


class TimezoneField(serializers.CharField):
    """An IANA timezone name from the allow-list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, validators=[validate_timezone], **kwargs)


class IntegerField(serializers.IntegerField):
    """A whole number, or one in ASCII digits."""

    def to_internal_value(self, data: Any) -> int:
        known = WHOLE.fullmatch(data) if isinstance(data, str) else type(data) in (int, float)
        if not known:
            self.fail("invalid")
        return super().to_internal_value(data)


class DecimalField(serializers.DecimalField):
    """A number, or one in ASCII digits with a point before its decimals."""

    def to_internal_value(self, data: Any) -> Any:
        known = forms.DECIMAL.fullmatch(data) if isinstance(data, str) else type(data) in (int, float)
        if not known:
            self.fail("invalid")
        return super().to_internal_value(data)


class PhoneField(PhoneNumberField):
    """A phone number in ASCII digits; without a country code, of the site's country."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and not forms.is_plain(data.strip()):
            self.fail("invalid")
        return super().to_internal_value(with_country(data) if isinstance(data, str) else data)


class IdField(IntegerField):
    """The id of a row; None if it may be omitted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **kwargs)


class DateField(serializers.DateField):
    """A date in RFC 3339: 2027-03-04."""

    default_error_messages = {"invalid": _("Enter the date as year, month and day, such as 2027-03-04.")}

    def to_internal_value(self, data: Any) -> date:
        try:
            return read_date(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")


class RelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only"):
            kwargs.setdefault("pk_field", IdField())
        super().__init__(**kwargs)


@extend_schema_field({"type": "string", "format": "uri", "nullable": True})
class PictureField(serializers.ReadOnlyField):
    """The address of a picture; null without one. Pictures are uploaded on pages and in the admin."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"source": "photo_id", **kwargs})

    def to_representation(self, value: str) -> str:
        return settings.SITE_URL + reverse("picture", args=[value])


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
        "example": {"de": {"name": "Erstgespräch"}},
    }
)
class TranslationsField(serializers.Field):
    """The texts of a row in the site's other languages, by language and field: `{"de": {"name": "Erstgespräch"}}`.

    What is left out stays as it is; an empty text removes a translation.
    """

    default_error_messages = {
        "not_an_object": _("Send an object with a language for each key and an object of texts for each value."),
        "unknown_language": _("“%(value)s” isn't another language of this site. Use one of: %(known)s."),
        "unknown_field": _("“%(value)s” can't be translated. Use one of: %(known)s."),
    }

    def __init__(self, model: type[TranslatedModel], **kwargs: Any) -> None:
        self.model = model
        super().__init__(required=False, **kwargs)

    def to_representation(self, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        return value

    def to_internal_value(self, data: Any) -> dict[str, dict[str, str]]:
        if not isinstance(data, dict) or not all(isinstance(texts, dict) for texts in data.values()):
            self.fail("not_an_object")
        row = self.parent.instance
        found = {language: dict(texts) for language, texts in (row.translations if row else {}).items()}
        for language, texts in data.items():
            self._check("unknown_language", language, other_languages())
            for name, text in texts.items():
                self._check("unknown_field", name, self.model.translated)
                found.setdefault(language, {})[name] = self._text(name).run_validation(text)
        kept = {language: {name: text for name, text in texts.items() if text} for language, texts in found.items()}
        return {language: texts for language, texts in kept.items() if texts}

    def _check(self, code: str, value: str, known: Iterable[str]) -> None:
        if value not in known:
            message = self.error_messages[code] % {"value": value[:64], "known": ", ".join(known)}
            raise serializers.ValidationError(message, code=code)

    def _text(self, name: str) -> serializers.Field:
        column = self.model._meta.get_field(name)  # noqa: SLF001
        kind = TextField if isinstance(column, models.TextField) else LineField
        return kind(max_length=column.max_length, allow_blank=True)  # type: ignore[union-attr]


FIELDS: Mapping[type[models.Field], type[serializers.Field]] = {
    **{
        kind: IntegerField
        for kind, field in serializers.ModelSerializer.serializer_field_mapping.items()
        if field is serializers.IntegerField
    },
    models.CharField: LineField,
    models.DateField: DateField,
    models.DecimalField: DecimalField,
    models.EmailField: EmailField,
    models.SlugField: SlugField,
    models.TextField: TextField,
    models.URLField: URLField,
}
"""Fields for a model's columns, unless a serializer declares its own."""


class IdFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BIGGEST_ID, **kwargs)

    def get_max_validator(self) -> None:
        """Return None: the field has its own limit."""


class TextFilter(django_filters.CharFilter):
    field_class = forms.TextField


class YesNoFilter(django_filters.BooleanFilter):
    """`true` or `false`. Django's own filter silently ignores any other value."""

    field_class = forms.YesNoField


class OrderingFilter(django_filters.OrderingFilter):
    """Ordering with the id as the last criterion, so that no page repeats or skips a row."""

    def filter(self, qs: Any, value: Any) -> Any:
        ordered = super().filter(qs, value)
        return ordered if ordered is qs else ordered.order_by(*ordered.query.order_by, "pk")
