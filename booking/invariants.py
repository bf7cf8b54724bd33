"""Checks of time, claims, appointments and series that pass after any operation (see `common/db/invariants.py`).

They are set-based, each a pass over an index or two, for there may be millions of slots.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    RowRange,
    Subquery,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Lag

from booking.appointments.enums import Event
from booking.appointments.transitions import ENDS, FREEING, LEAVING
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Reservation, Slot
from booking.reservations.enums import LIVE, ReservationStatus
from booking.series.recurrence import occurrences
from scheduler_project.common.db.invariants import Look, by_query, by_sql

OVERLAP = (
    Reservation.objects.filter(status__in=LIVE)
    .annotate(
        taken_until=Window(
            Max("blocked_until"),
            partition_by=[F("provider")],
            order_by=["blocked_from", "pk"],
            frame=RowRange(start=None, end=-1),
        )
    )
    .filter(blocked_from__lt=F("taken_until"))
    .values_list("pk", "blocked_from", "taken_until")
)

SLOTS_OVERLAP = (
    Slot.objects.annotate(
        before_ends=Window(Lag("ends_at"), partition_by=[F("provider")], order_by=["starts_at"]),
    )
    .filter(starts_at__lt=F("before_ends"))
    .values_list("pk", "starts_at", "before_ends")
)

CLAIMED_BY_THE_DEAD = (
    Slot.objects.filter(reservation__isnull=False)
    .exclude(reservation__status__in=LIVE)
    .values_list("pk", "reservation", "reservation__status")
)

CLAIMED_FROM_ELSEWHERE = Slot.objects.filter(
    ~Q(provider=F("reservation__provider"))
    | Q(starts_at__gte=F("reservation__blocked_until"))
    | Q(ends_at__lte=F("reservation__blocked_from")),
    reservation__isnull=False,
).values_list("pk", "reservation")

FREE_THOUGH_CLAIMED = """
SELECT slot.id, claim.id
FROM booking_reservation claim, LATERAL (
    SELECT id, reservation_id, ends_at FROM booking_slot
    WHERE provider_id = claim.provider_id
      AND starts_at > claim.blocked_from - interval '1 hour' AND starts_at < claim.blocked_until OFFSET 0
) slot
WHERE claim.status IN ('held', 'confirmed') AND slot.reservation_id IS NULL AND slot.ends_at > claim.blocked_from"""
"""The ORM has no LATERAL. OFFSET 0 makes PostgreSQL look up the few slots of each claim.

Otherwise it may join the whole tables.
"""

WITHOUT_APPOINTMENT = Reservation.objects.filter(
    status=ReservationStatus.CONFIRMED, appointment__isnull=True
).values_list("pk")

ENDED_WITHOUT_A_MOMENT = Reservation.objects.filter(
    Q(status__in=LIVE, closed_at__isnull=False) | Q(~Q(status__in=LIVE), closed_at__isnull=True)
).values_list("pk", "status", "closed_at")

WITHOUT_ITS_TIME = Appointment.objects.exclude(
    Q(status__in=FREEING, reservation__status=ReservationStatus.RELEASED)
    | Q(~Q(status__in=FREEING), reservation__status=ReservationStatus.CONFIRMED)
).values_list("pk", "status", "reservation", "reservation__status")

STATUS_AFTER = Case(
    When(event=Event.BOOKED, then=KT("details__status")),
    *(When(event=event, then=Value(status.value)) for event, status in ENDS.items()),
    output_field=TextField(),
)

OTHER_THAN_ITS_HISTORY = (
    Appointment.objects.annotate(
        told=Coalesce(
            Subquery(
                AppointmentEvent.objects.filter(appointment=OuterRef("pk"), event__in=[Event.BOOKED, *ENDS])
                .order_by("-pk")
                .values(told=STATUS_AFTER)[:1]
            ),
            Value("", TextField()),
        )
    )
    .exclude(status=F("told"))
    .values_list("pk", "status", "told")
)

ELSEWHERE_THAN_ITS_HISTORY = (
    AppointmentEvent.objects.filter(event__in=LEAVING, details__has_key="to")
    .annotate(to=Cast(KT("details__to"), DateTimeField()))
    .exclude(appointment__reservation__starts_at=F("to"))
    .exclude(
        Exists(
            AppointmentEvent.objects.filter(
                appointment=OuterRef("appointment"),
                event__in=LEAVING,
                details__has_key="to",
                pk__gt=OuterRef("pk"),
            )
        )
    )
    .values_list("appointment", "appointment__reservation__starts_at", "to")
)

OF_SOMEBODY_ELSES_SERIES = Appointment.objects.filter(
    ~Q(reservation__provider=F("series__provider")) | ~Q(reservation__client=F("series__client")),
    series__isnull=False,
).values_list("pk", "series")


def unbooked(now: datetime) -> Iterator[tuple[int, str]]:
    """Yield series with coming dates before `generated_until` that are neither booked, excepted nor noted as a gap."""
    made: dict[int, set[date]] = defaultdict(set)
    active = AppointmentSeries.objects.active(now=now).order_by("pk")
    booked = Appointment.objects.filter(series__in=active, occurrence__isnull=False).order_by()
    for series_id, day in booked.values_list("series", "occurrence"):
        if day is not None:
            made[series_id].add(day)
    for series in active.iterator():
        settled = made[series.pk].union(series.exdates, (date.fromisoformat(gap["occurrence"]) for gap in series.gaps))
        given = occurrences(series.rule, series.starts_local, series.zone, now, series.generated_until)
        missing = [str(day) for day, starts_at in given if day not in settled and starts_at > now]
        if missing:
            yield (
                series.pk,
                f"not booked, though before {series.generated_until:%Y-%m-%d %H:%M} UTC: {', '.join(missing)}",
            )


INVARIANTS: dict[str, tuple[str, Look]] = {
    "claims_do_not_overlap": (
        "booking_reservation",
        by_query(OVERLAP, "its claim begins at {}, before another of the same provider ends at {}".format),
    ),
    "slots_do_not_overlap": (
        "booking_slot",
        by_query(SLOTS_OVERLAP, "it starts at {}, before the slot before it ends at {}".format),
    ),
    "slots_are_claimed_by_the_living": (
        "booking_slot",
        by_query(CLAIMED_BY_THE_DEAD, "it is claimed by reservation {}, which is {}".format),
    ),
    "slots_are_claimed_where_they_are": (
        "booking_slot",
        by_query(CLAIMED_FROM_ELSEWHERE, "it is claimed by reservation {}, of another time or provider".format),
    ),
    "claims_have_their_slots": (
        "booking_slot",
        by_sql(FREE_THOUGH_CLAIMED, "it is free, but reservation {} claims its time".format),
    ),
    "confirmed_time_has_an_appointment": (
        "booking_reservation",
        by_query(WITHOUT_APPOINTMENT, "it is confirmed, and no appointment is made of it".format),
    ),
    "ended_reservations_say_when": (
        "booking_reservation",
        by_query(
            ENDED_WITHOUT_A_MOMENT,
            lambda status, closed_at: f"it is {status} and {'says' if closed_at else 'does not say'} when it ended",
        ),
    ),
    "appointments_have_their_time": (
        "booking_appointment",
        by_query(WITHOUT_ITS_TIME, "it is {}, its reservation {} is {}".format),
    ),
    "appointments_are_as_their_history_says": (
        "booking_appointment",
        by_query(
            OTHER_THAN_ITS_HISTORY,
            lambda status, told: f"it is {status}, its history {f'says {told}' if told else 'has no beginning'}",
        ),
    ),
    "appointments_are_when_their_history_says": (
        "booking_appointment",
        by_query(ELSEWHERE_THAN_ITS_HISTORY, "it begins at {}, its history says {}".format),
    ),
    "series_have_their_own_appointments": (
        "booking_appointment",
        by_query(OF_SOMEBODY_ELSES_SERIES, "it is of series {}, which is of another provider or client".format),
    ),
    "series_are_booked_as_far_as_they_say": ("booking_appointmentseries", unbooked),
}
