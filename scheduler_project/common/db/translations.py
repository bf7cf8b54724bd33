"""Texts in several languages: a row's columns hold the originals, `translations` holds those of other languages."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Value
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def other_languages() -> dict[str, str]:
    """Return the languages other than that of the originals, with their names in themselves."""
    return {code: name for code, name in settings.LANGUAGES if code != settings.LANGUAGE_CODE}


class TranslatedModel(models.Model):
    """A row whose texts in the columns `translated` are translated: `{"de": {"name": "Erstgespräch"}}`."""

    translated: ClassVar[tuple[str, ...]]

    translations = models.JSONField(
        _("translations"), default=dict, db_default=Value({}, models.JSONField()), blank=True, editable=False
    )

    class Meta:
        abstract = True

    @property
    def local(self) -> "LocalTexts":
        """The texts in the active language; the original of what is not translated: `service.local.name`."""
        return LocalTexts(self)

    def translation_of(self, name: str, language: str) -> str:
        return str((self.translations or {}).get(language, {}).get(name, ""))


class LocalTexts:
    def __init__(self, row: TranslatedModel) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        if name not in self._row.translated:
            raise AttributeError(name)
        return self._row.translation_of(name, get_language() or "") or getattr(self._row, name)
