"""Pictures: drawn anew, stored once, deleted when nothing shows them."""

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from scheduler_project.common.models import Picture
from scheduler_project.common.pictures.errors import NotAPicture
from scheduler_project.common.pictures.operations import delete_unused, store_picture
from scheduler_project.common.site.operations import edit_site
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def photo(size=(800, 400), form="JPEG", **options) -> BytesIO:
    file = BytesIO()
    Image.new("RGB", size, "blue").save(file, form, **options)
    file.seek(0)
    return file


def store(file, now=NOON) -> Picture:
    return store_picture(upload=file, field="photo", now=now)


def drawn(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.content))


def test_store_shrinks():
    assert drawn(store(photo((4000, 2000)))).size == (640, 320)


def test_store_does_not_enlarge():
    assert drawn(store(photo((100, 50)))).size == (100, 50)


def test_store_drops_where_it_was_taken_and_turns_it_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned right
    exif[0x010E] = "At home"

    stored = store(photo(exif=exif))

    assert drawn(stored).size == (320, 640)
    assert not drawn(stored).getexif()
    assert b"At home" not in bytes(stored.content)


def test_store_twice_is_one_picture():
    assert store(photo()) == store(photo())


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", b"\xff\xd8\xff\xe0" + b"0" * 100])
def test_store_refuses_what_is_no_picture(content):
    with pytest.raises(NotAPicture) as refusal:
        store(BytesIO(content))

    assert refusal.value.field == "photo"


def test_store_refuses_a_picture_of_too_many_pixels():
    with pytest.raises(NotAPicture):
        store(photo((8000, 6500), "PNG"))


def test_store_refuses_a_large_file(settings):
    settings.PICTURE_MAX_BYTES = 100

    with pytest.raises(NotAPicture):
        store(photo())


def test_unused_pictures_are_deleted_after_a_day():
    store(photo(), now=NOON - timedelta(days=1, seconds=1))
    store(photo((20, 20)), now=NOON - timedelta(days=1))

    assert delete_unused(NOON) == 1


def test_pictures_in_use_stay():
    edit_site(changes={"logo": store(photo(), now=NOON - timedelta(days=9))})

    assert delete_unused(NOON) == 0


def test_address_of_no_picture_is_not_found(client):
    assert client.get(f"/pictures/{'0' * 32}.webp").status_code == 404
