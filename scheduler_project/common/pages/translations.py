"""The form fields of texts in other languages."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django import forms
from django.utils.text import capfirst, format_lazy

from scheduler_project.common.db.translations import TranslatedModel, other_languages
from scheduler_project.common.pages.forms import field_of


def with_translations(*names: str) -> tuple[str, ...]:
    """Return the names of form fields with those of their translations after each."""
    return tuple(each for name in names for each in (name, *(f"{name}_{language}" for language in other_languages())))


class TranslationsForm(forms.Form):
    """The part of a model's form about the texts in other languages, cleaned to `translations`."""

    of_translation: ClassVar[dict[str, tuple[str, str]]] = {}
    """The field and the language of each form field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row: TranslatedModel = self.instance  # type: ignore[attr-defined]  # of the ModelForm it is a part of
        for form_name, (name, language) in self.of_translation.items():
            self.initial.setdefault(form_name, row.translation_of(name, language))

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        texts: dict[str, dict[str, str]] = {}
        for form_name, (name, language) in self.of_translation.items():
            if text := found.pop(form_name, ""):
                texts.setdefault(language, {})[name] = text
        return {**found, "translations": texts}

    @cached_property
    def changed_data(self) -> list[str]:
        names = [name for name in self.fields if self[name]._has_changed()]  # type: ignore[attr-defined]  # noqa: SLF001
        return list(dict.fromkeys("translations" if name in self.of_translation else name for name in names))

    @property
    def translations(self) -> list[forms.BoundField]:
        return [self[name] for name in self.of_translation]

    @property
    def originals(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in self.of_translation]

    @property
    def has_translation_errors(self) -> bool:
        return any(field.errors for field in self.translations)


F = TypeVar("F", bound=TranslationsForm)


def translations_of(model: type[TranslatedModel], rows: int = 4) -> Callable[[type[F]], type[F]]:
    """Add the fields of a model's translations to a form, by the languages of the site."""

    def decorate(form: type[F]) -> type[F]:
        fields: dict[str, forms.Field] = {}
        form.of_translation = {}
        for name in model.translated:
            column: Any = model._meta.get_field(name)  # noqa: SLF001  (documented, whatever its name)
            for language, spoken in other_languages().items():
                label = format_lazy("{label} ({language})", label=capfirst(column.verbose_name), language=spoken)
                field: Any = field_of(column, required=False, label=label, help_text="")
                field.widget.attrs["lang"] = language
                if isinstance(field.widget, forms.Textarea):
                    field.widget.attrs["rows"] = rows
                fields[f"{name}_{language}"] = field
                form.of_translation[f"{name}_{language}"] = (name, language)
        form.declared_fields = {**form.declared_fields, **fields}
        form.base_fields = {**form.base_fields, **fields}
        return form

    return decorate
