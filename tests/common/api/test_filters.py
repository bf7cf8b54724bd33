"""Filters of the API."""

import pytest
from django.db.models.functions import Now
from django_filters import FilterSet

from accounts.clients import filters as of_accounts
from accounts.models import Provider
from accounts.providers.filters import ProviderFilter
from booking.api import filters as of_booking
from tests.factories import NOON, ProviderFactory

FILTERS = [
    found
    for module in (of_accounts, of_booking)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, FilterSet) and "ordering" in found.base_filters
]


@pytest.mark.parametrize("filters", FILTERS)
def test_every_ordering_ends_with_the_id(filters):
    for choice, _label in filters.base_filters["ordering"].extra["choices"]:
        rows = filters._meta.model.objects.annotate(next_time=Now())  # which the view of series adds
        ordered = filters({"ordering": choice}, queryset=rows).qs

        assert ordered.query.order_by[1:] == ("pk",)


@pytest.mark.django_db
def test_ordering_puts_equal_rows_in_the_order_of_their_ids(api):
    made = [provider.pk for provider in ProviderFactory.create_batch(3, created_at=NOON)]
    Provider.objects.filter(pk=made[0]).update(bio="Written anew, and so behind the others where PostgreSQL keeps it.")

    pages = [api.get("/api/providers", {"ordering": "created_at", "page_size": 1, "page": n}) for n in (1, 2, 3)]

    assert [page.json()["results"][0]["id"] for page in pages] == made


def test_ordering_that_is_not_asked_for_leaves_the_order():
    rows = Provider.objects.order_by("-name")

    assert ProviderFilter({}, queryset=rows).qs.query.order_by == ("-name",)
