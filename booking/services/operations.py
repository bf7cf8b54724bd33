"""Operations on services: add, edit and delete. Providers change their own, staff all."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Provider
from booking.models import Service
from booking.signals import reminders_reset
from scheduler_project.common.errors import InUse, NotAllowed, NotFound
from scheduler_project.common.operations import operation


@operation
def add_service(*, fields: dict[str, Any], providers: Collection[int] | None, actor: Actor) -> Service:
    """Add a service: staff add one of the business, offered by `providers`; a provider their own, offered by them.

    Raises NotAllowed for other actors, and for a provider who names others; NotFound for unknown providers.
    """
    own = actor.user.provider_for("booking.add_service") if actor.user else None
    of_business = actor.may("booking.add_service")
    if not of_business and own is None:
        raise NotAllowed
    service = Service.objects.create(owner=None if of_business else own, **fields)
    service.providers.set([own] if own and not of_business else _providers_with_ids(providers or ()))
    _check_providers(service, providers, actor)
    return service


@operation
def edit_service(
    *, service_id: int, fields: dict[str, Any], actor: Actor, now: datetime, providers: Collection[int] | None = None
) -> Service:
    """Change the given fields; staff may also change the providers (None: unchanged). Raises NotFound, NotAllowed."""
    service = _locked(service_id, actor)
    for name, value in fields.items():
        setattr(service, name, value)
    if fields:
        service.save(update_fields=list(fields))
    if "reminder_offsets" in fields:
        reminders_reset.send(Service, schedule=None, service=service, now=now)
    _check_providers(service, providers, actor)
    if providers is not None:
        service.providers.set(_providers_with_ids(providers))
    return service


@operation
def remove_service(*, service_id: int, actor: Actor) -> None:
    """Delete a service that was never booked. Raises InUse; NotFound."""
    try:
        _locked(service_id, actor).delete()
    except ProtectedError:
        raise InUse(_("This service has bookings, so it can't be deleted. Deactivate it instead.")) from None


def _locked(service_id: int, actor: Actor) -> Service:
    service = Service.objects.editable_by(actor.user).select_for_update(of=("self",)).filter(pk=service_id).first()
    if service is None:
        raise NotFound
    return service


def _check_providers(service: Service, providers: Collection[int] | None, actor: Actor) -> None:
    if providers is not None and not actor.may("booking.change_service") and set(providers) != {service.owner_id}:
        raise NotAllowed(_("Only the provider who owns a service can offer it."), field="providers")


def _providers_with_ids(providers: Collection[int]) -> list[Provider]:
    named = list(Provider.objects.filter(pk__in=providers))
    if len(named) != len(set(providers)):
        raise NotFound(_("Provider not found."), field="providers")
    return named
