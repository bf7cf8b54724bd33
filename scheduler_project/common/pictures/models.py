"""Pictures that people upload: photos and logos."""

from django.db import models
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _


class Picture(models.Model):
    """A picture as it is sent to browsers, named by its content: another content is another picture.

    It is in the database, so that backups have it, every machine serves it, and a transaction undoes it.
    """

    digest = models.CharField(max_length=32, primary_key=True)
    content = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")

    def __str__(self) -> str:
        return self.digest

    @property
    def url(self) -> str:
        return reverse("picture", args=[self.digest])


class PictureField(models.ForeignKey):
    """A reference to a picture. A picture that nothing refers to any more is deleted after a day."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        defaults = {"null": True, "blank": True, "on_delete": models.SET_NULL, "to": "common.Picture"}
        super().__init__(*args, **{**defaults, "related_name": "+", **kwargs})  # type: ignore[arg-type]
