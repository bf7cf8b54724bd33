"""Columns shared by several nouns of booking."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from scheduler_project.common.pages.forms import TextField
from scheduler_project.common.time.offsets import canonical


class OffsetsFormField(TextField):
    """Offsets separated by commas: `none` for no reminders, an empty text for the next wider setting."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) or "none" if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if isinstance(value, list) or not text:
            return value or None
        return [] if text.lower() == "none" else canonical(text.split(","))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class OffsetsField(ArrayField):
    """Reminder times before a start (R15), in the form of `offsets.canonical`. NULL uses the next wider setting."""

    def __init__(self, verbose_name: Any = None, **kwargs: Any) -> None:
        own = {"base_field": models.CharField(max_length=40), "null": True, "blank": True}
        super().__init__(verbose_name=verbose_name, **kwargs | own)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for given in ("base_field", "null", "blank"):
            kwargs.pop(given, None)
        return name, path, args, kwargs

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        return None if value is None else canonical(super().clean(value, model_instance))

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(self, form_class=OffsetsFormField, **kwargs)
