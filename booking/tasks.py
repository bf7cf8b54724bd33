"""Doorbells: read the clock, call one operation, return a count."""

from celery import shared_task
from django.utils import timezone

from accounts.actors import Actor, Face
from booking.operations import reservations, series, slots


@shared_task
def expire_reservations() -> int:
    return reservations.expire_due(now=timezone.now())


@shared_task
def extend_slots() -> int:
    return slots.extend_all(now=timezone.now())


@shared_task
def extend_series() -> int:
    return series.extend_all_series(now=timezone.now(), actor=Actor(None, Face.JOB))
