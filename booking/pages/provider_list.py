"""The pages on which visitors find a provider. They need no login."""

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import Provider, ProviderQuerySet
from accounts.providers.models import published as published_provider
from booking.availability import search
from booking.links import visitor_token
from booking.models import Service
from booking.pages.search_forms import SearchForm
from booking.reservations.views.hold_details import own_holds, visitor_of
from booking.views.access import published_or_404
from booking.views.embedding import embeddable, let_embed
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.pages.base import embedded, page
from scheduler_project.common.pages.formats import LONG
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.time import intervals

PER_PAGE = 12


MOST_SERVICES = 12


@page
def home(request: HttpRequest) -> HttpResponse:
    """Search for a provider or a service. Each provider is listed with their next free time."""
    now = timezone.now()
    form = SearchForm(request.GET)
    meant, terms = form.is_valid(), form.terms()
    fitting = found(terms["q"], terms["specialization"]) if meant else Provider.objects.none()
    shown = Paginator(fitting, PER_PAGE).get_page(request.GET.get("page"))
    providers = list(shown.object_list)
    next_times = search.next_times([provider.pk for provider in providers], now)
    held = {one.provider_id: one.starts_at for one in reversed(own_holds(request, now))}
    own = {pk: starts_at for pk, starts_at in held.items() if starts_at < next_times.get(pk, starts_at + intervals.DAY)}
    published = Provider.objects.published()
    context = {
        "form": form,
        "terms": terms,
        "page": shown,
        "people": [
            (provider, own.get(provider.pk) or next_times.get(provider.pk), provider.pk in own)
            for provider in providers
        ],
        "specializations": published.exclude(specialization="")
        .order_by("specialization")
        .values_list("specialization", flat=True)
        .distinct()[:40],
        "services": [] if any(terms.values()) or shown.number > 1 or not offers_anybody() else services_of_several(),
        "format": LONG,
    }
    return render(request, "booking/home.html", context)


def found(words: str, specialization: str) -> ProviderQuerySet:
    """Return the published providers whose name, specialization or service contains all the words."""
    providers = Provider.objects.published().prefetch_related(
        Prefetch("services", Service.objects.filter(is_active=True), to_attr="offered")
    )
    if specialization:
        providers = providers.filter(specialization=specialization)
    for word in words.split():
        offered = Service.objects.filter(providers=OuterRef("pk"), is_active=True, name__icontains=word)
        providers = providers.filter(Q(name__icontains=word) | Q(specialization__icontains=word) | Exists(offered))
    return providers


def offers_anybody() -> bool:
    return site_settings().offers_anybody


def services_of_several() -> list[Service]:
    """Return services of more than one published provider, for visitors who take any of them."""
    offering = Service.providers.through.objects.filter(published_provider("provider__"), service=OuterRef("pk"))
    several = Service.objects.filter(is_active=True).filter(Exists(offering[1:2]))
    return list(several[:MOST_SERVICES])


@embeddable
@page
def provider(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a provider and their services."""
    who = published_or_404(slug)
    let_embed(request, who)
    services = who.services.filter(is_active=True)
    visitor = visitor_token(visitor_of(request) or new_reference()) if embedded(request) else None
    return render(request, "booking/provider.html", {"provider": who, "services": services, "visitor": visitor})
