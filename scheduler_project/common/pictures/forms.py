"""The form field of a picture."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.pictures.errors import NotAPicture
from scheduler_project.common.pictures.models import Picture
from scheduler_project.common.pictures.operations import store_picture


class PictureInput(forms.ClearableFileInput):
    """A file input that shows the present picture, and a box to remove it."""

    template_name = "django/forms/picture.html"

    def is_initial(self, value: Any) -> bool:
        return isinstance(value, Picture)


class PictureField(forms.FileField):
    """An uploaded picture, cleaned to a stored `Picture`; the present one if nothing is uploaded; None if removed."""

    widget = PictureInput({"accept": "image/jpeg,image/png,image/webp,image/gif"})
    default_error_messages = {"contradiction": _("Choose a picture or remove it, not both.")}

    def prepare_value(self, value: Any) -> Picture | None:
        """Return the present picture, which the row names by its key."""
        return Picture.objects.defer("content").filter(pk=value).first() if isinstance(value, str) and value else None

    def clean(self, data: Any, initial: Any = None) -> Picture | None:
        upload = super().clean(data, initial)
        if not upload or isinstance(upload, str):
            return self.prepare_value(upload)
        try:
            return store_picture(upload=upload, field="", now=timezone.now())
        except NotAPicture as refusal:
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None
