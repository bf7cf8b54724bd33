"""Operations on pictures: store an upload, delete those that are no longer used."""

import warnings
from datetime import datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import BinaryIO

from django.apps import apps
from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from PIL import Image, ImageOps

from scheduler_project.common.operations import operation
from scheduler_project.common.pictures.errors import NotAPicture
from scheduler_project.common.pictures.models import Picture, PictureField

MOST_PIXELS = 50_000_000
"""Pixels of an upload: a small file may say that it is enormous."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

SIDE = 640
"""Pixels of the longer side as stored: twice of what pages show."""

QUALITY = 82

UNUSED = timedelta(days=1)
"""The time for which a picture waits for the row that shows it."""


@operation
def store_picture(*, upload: BinaryIO, field: str, now: datetime) -> Picture:
    """Store a picture as WebP: turned upright, at most `SIDE` pixels long, without where and by what it was taken.

    Uploading it again returns the first one. Raises NotAPicture, naming `field`.
    """
    content, (width, height) = _redrawn(upload, field)
    digest = blake2b(content, digest_size=16).hexdigest()
    defaults = {"content": content, "width": width, "height": height, "created_at": now}
    picture, is_new = Picture.objects.get_or_create(digest=digest, defaults=defaults)
    if not is_new:
        Picture.objects.filter(pk=digest).update(created_at=now)  # not deleted before its row is written
    return picture


def _redrawn(upload: BinaryIO, field: str) -> tuple[bytes, tuple[int, int]]:
    """Return the picture drawn anew, so that nothing else that the file contained is kept, and its size."""
    source = upload.read(settings.PICTURE_MAX_BYTES + 1)
    if len(source) > settings.PICTURE_MAX_BYTES:
        raise NotAPicture(field=field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            drawn = _drawn(source)
    except Exception as error:  # Pillow raises whatever a broken file makes its decoders raise.
        raise NotAPicture(field=field) from error
    drawn.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    drawn.info.clear()
    out = BytesIO()
    drawn.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue(), drawn.size


def _drawn(source: bytes) -> Image.Image:
    with Image.open(BytesIO(source), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        opened.draft("RGB", (SIDE * 2, SIDE * 2))  # JPEGs are read at a smaller size, which takes less memory.
        return ImageOps.exif_transpose(opened).convert("RGBA" if opened.has_transparency_data else "RGB")


def delete_unused(now: datetime) -> int:
    """Delete pictures that nothing has referred to for a day. Return how many."""
    used = Q()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:  # noqa: SLF001  (documented, whatever its name)
            if isinstance(field, PictureField):
                used |= Q(Exists(model._base_manager.filter(**{field.name: OuterRef("pk")})))  # noqa: SLF001
    return Picture.objects.filter(~used, created_at__lt=now - UNUSED).delete()[0]
