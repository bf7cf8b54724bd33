"""Query parameters and answers of the reports, documented in English like all of the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from analytics.periods import Period
from analytics.report import Quartiles, Report, ReportTally
from booking.api.fields import InstantField, validate_year
from booking.appointments.enums import AppointmentStatus
from scheduler_project.common.api.fields import DateField, IdField, TimezoneField
from scheduler_project.common.api.serializers import QuerySerializer, Serializer


class SpanQuerySerializer(QuerySerializer):
    """The days to count: a `period`, or `from` and `to`."""

    period = serializers.ChoiceField(
        choices=Period.choices,
        default=Period.MONTH,
        help_text=(
            "The day, week (from Monday) or month that it now is, to its end; the last days end today. Not used where "
            "`from` and `to` are sent."
        ),
    )
    timezone = TimezoneField(
        required=False,
        help_text="Whose days. The schedule's, where figures of one provider are asked for; else your login's.",
    )

    def get_fields(self) -> dict[str, Any]:
        dates = {
            "from": DateField(required=False, validators=[validate_year], help_text="The first day. With `to`."),
            "to": DateField(
                required=False,
                validators=[validate_year],
                help_text="The last day, itself counted; 366 days at most.",
            ),
        }
        return {**super().get_fields(), **dates}


class AnalyticsQuerySerializer(SpanQuerySerializer):
    provider = IdField(required=False, help_text="Filter by provider. Providers only see their own.")
    service = IdField(required=False, help_text="Filter bookings by service. Open minutes are not filtered.")


# --- Answers ----------------------------------------------------------------------------------------------------------


class QuartilesSerializer(Serializer[Quartiles]):
    """Whole hours, rounded down."""

    lower = serializers.IntegerField(help_text="A quarter are at most this long.")
    median = serializers.IntegerField()
    upper = serializers.IntegerField(help_text="Three quarters are at most this long.")


class StartingSerializer(Serializer[ReportTally]):
    """Appointments counted by their start, and minutes counted on the day or hour they fall in."""

    appointments = serializers.IntegerField(help_text="Starting in the period, not cancelled or declined.")
    missed = serializers.IntegerField(help_text="Of these, those marked as missed.")
    missed_rate = serializers.FloatField(
        allow_null=True, help_text="Share missed of those marked completed or missed, 0 to 1; null if there are none."
    )
    booked_minutes = serializers.IntegerField(
        help_text="Time booked by appointments that aren't cancelled, with buffers, in whole slots."
    )


class OfferedSerializer(StartingSerializer):
    offered_minutes = serializers.IntegerField(
        help_text=(
            "Open hours: the weekly hours of that time, date overrides and windows, without time off and "
            "closures. Includes only providers who take bookings, from when they were added, unless you filter "
            "by provider."
        )
    )
    utilisation = serializers.FloatField(
        allow_null=True,
        help_text="Share of open minutes booked. Above 1 if time outside the hours was booked.",
    )


class DoneSerializer(Serializer[ReportTally]):
    """Actions counted by the moment they were taken."""

    bookings = serializers.IntegerField(help_text="Appointments made in the period, whatever their outcome.")
    cancellations = serializers.IntegerField(help_text="Appointments cancelled in the period, by anyone.")
    late_cancellations = serializers.IntegerField(help_text="Of these, less than 24 hours before the start.")


class DaySerializer(OfferedSerializer, DoneSerializer):
    date = serializers.DateField()


class ProviderRowSerializer(OfferedSerializer, DoneSerializer):
    provider = serializers.IntegerField()
    name = serializers.CharField()


class ServiceRowSerializer(StartingSerializer, DoneSerializer):
    service = serializers.IntegerField(allow_null=True, help_text="Null: without a service.")
    name = serializers.CharField(allow_null=True)


class WeekdaySerializer(OfferedSerializer):
    weekday = serializers.IntegerField(help_text="0 is Monday.")


class HourSerializer(OfferedSerializer):
    hour = serializers.IntegerField(help_text="Local hour, 0 to 23. An hour that occurs twice is counted once.")


class CancellationsSerializer(Serializer[Any]):
    count = serializers.IntegerField()
    late = serializers.IntegerField(help_text="Less than 24 hours before the start.")
    late_share = serializers.FloatField(allow_null=True)
    notice_hours = QuartilesSerializer(allow_null=True, help_text="How long before the start.")


class HoldsSerializer(Serializer[Any]):
    held = serializers.IntegerField(
        help_text=("Made in the period. Bookings in one step hold nothing and are not counted.")
    )
    confirmed = serializers.IntegerField(help_text="Whatever the appointment's outcome.")
    expired = serializers.IntegerField()
    released = serializers.IntegerField(help_text="Released before they expired.")
    open = serializers.IntegerField(help_text="Still held.")
    confirmed_share = serializers.FloatField(allow_null=True, help_text="Share of holds that ended.")


@extend_schema_serializer(component_name="AppointmentsByStatus")
class StatusesSerializer(Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {status.value: serializers.IntegerField() for status in AppointmentStatus}


class AnalyticsSerializer(Serializer[Report]):
    """The counts of some local days. Each field says whether it counts by start or by the time of the action."""

    timezone = serializers.CharField()
    start_time = InstantField(help_text="Start of the first day.")
    end_time = InstantField(help_text="End of the last day.")
    provider = serializers.IntegerField(allow_null=True)
    service = serializers.IntegerField(allow_null=True)
    sent_reminders = serializers.IntegerField(help_text="Due in the period and sent.")
    failed_reminders = serializers.IntegerField(help_text="Due in the period; every attempt failed.")
    upcoming_reminders = serializers.IntegerField(help_text="Due in the period and not sent yet.")
    appointments_by_status = StatusesSerializer(help_text="Starting in the period, by their outcome so far.")
    bookings = serializers.IntegerField(help_text="Appointments made in the period, whatever their outcome.")
    cancellations = CancellationsSerializer(help_text="Counted by when they were cancelled.")
    missed_rate = serializers.FloatField(allow_null=True)
    holds = HoldsSerializer(
        help_text=(
            "Counted by when they were made, once a client was named. None if the period starts before "
            "RETAIN_HOLDS_DAYS, because unconfirmed holds are deleted by then."
        )
    )
    lead_time_hours = QuartilesSerializer(
        allow_null=True, help_text="For appointments made in the period: from booking to their current start."
    )
    booked_minutes = serializers.IntegerField()
    offered_minutes = serializers.IntegerField()
    utilisation = serializers.FloatField(allow_null=True)
    by_day = DaySerializer(many=True)
    by_provider = ProviderRowSerializer(many=True)
    by_service = ServiceRowSerializer(many=True)
    by_weekday = WeekdaySerializer(many=True)
    by_hour = HourSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        dates = {"from": serializers.DateField(), "to": serializers.DateField(help_text="Included.")}
        return {**dates, **super().get_fields()}


STARTING = ("appointments", "missed", "missed_rate", "booked_minutes")
OFFERED = (*STARTING, "offered_minutes", "utilisation")
DONE = ("bookings", "cancellations", "late_cancellations")


def serialized_report(found: Report) -> dict[str, Any]:
    """Return reports in the form that AnalyticsSerializer documents."""
    span, total = found.span, found.total

    def counts_of(tally: ReportTally, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(tally, name) for name in names}

    return {
        "from": span.first,
        "to": span.last,
        "timezone": span.zone.key,
        "start_time": span.start,
        "end_time": span.until,
        "provider": found.scope.provider.pk if found.scope.provider else None,
        "service": found.scope.service.pk if found.scope.service else None,
        "sent_reminders": found.sent_reminders,
        "failed_reminders": found.failed_reminders,
        "upcoming_reminders": found.upcoming_reminders,
        "appointments_by_status": {status.value: total.statuses[status] for status in AppointmentStatus},
        "bookings": total.bookings,
        "cancellations": {
            "count": total.cancellations,
            "late": total.late_cancellations,
            "late_share": total.late_share,
            "notice_hours": quartiles_of(found.notice),
        },
        "missed_rate": total.missed_rate,
        "holds": {
            "held": found.holds.total(),
            **{outcome: found.holds[outcome] for outcome in ("confirmed", "expired", "released", "open")},
            "confirmed_share": found.confirmed_share,
        },
        "lead_time_hours": quartiles_of(found.lead),
        "booked_minutes": total.booked_minutes,
        "offered_minutes": total.offered_minutes,
        "utilisation": total.utilisation,
        "by_day": [{"date": day, **counts_of(tally, (*DONE, *OFFERED))} for day, tally in found.by_day.items()],
        "by_provider": [
            {"provider": pk, "name": found.provider_names[pk], **counts_of(tally, (*DONE, *OFFERED))}
            for pk, tally in found.by_provider.items()
        ],
        "by_service": [
            {"service": pk, "name": found.service_names.get(pk) if pk else None, **counts_of(tally, (*DONE, *STARTING))}
            for pk, tally in found.by_service.items()
        ],
        "by_weekday": [{"weekday": day, **counts_of(tally, OFFERED)} for day, tally in found.by_weekday.items()],
        "by_hour": [{"hour": hour, **counts_of(tally, OFFERED)} for hour, tally in found.by_hour.items()],
    }


def quartiles_of(lengths: Quartiles | None) -> dict[str, int] | None:
    return lengths._asdict() if lengths else None


# --- Users and providers ----------------------------------------------------------------------------------------------


class UsersSerializer(Serializer[Any]):
    total = serializers.IntegerField(help_text="User accounts now.")
    active = serializers.IntegerField(help_text="Can sign in.")
    staff = serializers.IntegerField()
    superusers = serializers.IntegerField()
    providers = serializers.IntegerField(help_text="Belong to a provider.")
    clients = serializers.IntegerField(help_text="Belong to a client.")
    verified_email = serializers.IntegerField()
    second_factor = serializers.IntegerField(help_text="With an authenticator app.")
    new = serializers.IntegerField(help_text="Joined in the period.")
    logged_in = serializers.IntegerField(help_text="Last signed in during the period.")


class ProvidersSerializer(Serializer[Any]):
    total = serializers.IntegerField(help_text="Providers now.")
    published = serializers.IntegerField(help_text="Clients can find and book them.")
    awaiting_approval = serializers.IntegerField()
    inactive = serializers.IntegerField(help_text="Take no bookings.")
    with_login = serializers.IntegerField()
    with_open_hours = serializers.IntegerField(help_text="With weekly hours, or upcoming dated ones.")
    without_open_hours = serializers.IntegerField()
    with_services = serializers.IntegerField(help_text="Offer a service.")
    new = serializers.IntegerField(help_text="Added in the period.")
    booked = serializers.IntegerField(help_text="At least one appointment was made in the period.")


class ClientsSerializer(Serializer[Any]):
    total = serializers.IntegerField(help_text="Clients now, not counting visitors without a name.")
    with_login = serializers.IntegerField()
    in_address_books = serializers.IntegerField(help_text="In a provider's address book.")
    guests = serializers.IntegerField(help_text="Booked without an account.")
    new = serializers.IntegerField(help_text="Added in the period.")


class StatisticsSerializer(Serializer[Any]):
    """The numbers of users, providers and clients, and of those added in the period."""

    timezone = serializers.CharField()
    users = UsersSerializer()
    providers = ProvidersSerializer()
    clients = ClientsSerializer()

    def get_fields(self) -> dict[str, Any]:
        dates = {"from": serializers.DateField(), "to": serializers.DateField(help_text="Included.")}
        return {**dates, **super().get_fields()}
