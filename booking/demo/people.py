"""The people, hours and services of the demo practice. All are invented; the phone numbers are reserved for fiction."""

from dataclasses import dataclass, field
from datetime import time
from typing import Any

PASSWORD = "demo-pass-2468"  # noqa: S105  (printed for everybody to see)


MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


Hours = list[tuple[int, time, time]]


def weekly(days: tuple[int, ...], *stretches: str) -> Hours:
    """Return weekly hours: `weekly((MON, TUE), "09:00-12:00", "13:00-17:00")`"""
    pairs = [stretch.split("-") for stretch in stretches]
    return [(day, time.fromisoformat(start), time.fromisoformat(end)) for day in days for start, end in pairs]


@dataclass(frozen=True)
class Person:
    """A client. One with an email of the demo and no `owner` has registered."""

    name: str
    email: str
    timezone: str
    phone: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Practitioner:
    name: str
    email: str
    specialization: str
    timezone: str
    bio: str
    hours: Hours
    policy: dict[str, Any] = field(default_factory=dict)
    clients: tuple[Person, ...] = ()
    is_approved: bool = True


WORKWEEK = (MON, TUE, WED, THU, FRI)


PRACTITIONERS = (
    Practitioner(
        "Maya Lindqvist",
        "maya@example.com",
        "Physiotherapy",
        "Europe/Berlin",
        "Backs, knees and shoulders. Seventeen years of getting people back onto their bicycles.",
        weekly(WORKWEEK, "08:00-12:00", "13:00-17:00") + weekly((SAT,), "09:00-12:00"),
        {"notice_minutes": 4 * 60},
        (
            Person("Jonas Weber", "jonas.weber@example.net", "Europe/Berlin", "+493023125000", "Left knee, since May."),
            Person("Petra Sommer", "", "Europe/Berlin", "+493023125001", "Prefers mornings. No email."),
            Person("Emil Krause", "emil.krause@example.net", "Europe/Berlin"),
        ),
    ),
    Practitioner(
        "Daniel Brooks",
        "daniel@example.com",
        "Psychotherapy",
        "America/New_York",
        "Cognitive behavioural therapy for adults, in person and by video.",
        weekly((MON, TUE, WED, THU), "10:00-13:00", "14:00-19:00"),
        {"slot_minutes": 30, "notice_minutes": 48 * 60},
        (
            Person("Grace Miller", "grace.miller@example.net", "America/New_York", "+12025550143"),
            Person("Kim Lee", "kim.lee@example.net", "America/Chicago", "+12025550178"),
        ),
    ),
    Practitioner(
        "Priya Raman",
        "priya@example.com",
        "Yoga and nutrition",
        "Asia/Kolkata",
        "Early mornings and evenings, alone or in small groups.",
        weekly((MON, WED, FRI), "06:30-11:00", "16:30-20:00") + weekly((SAT,), "07:00-12:00"),
        {},
        (Person("Arjun Mehta", "arjun.mehta@example.net", "Asia/Kolkata"),),
    ),
    Practitioner(
        "Jack Whitfield",
        "jack@example.com",
        "Guitar lessons",
        "Australia/Sydney",
        "From first chords to finger-picking. Bring your own guitar or use one of mine.",
        weekly((TUE, WED, THU, FRI), "12:00-15:00", "15:40-19:00") + weekly((SAT,), "09:00-13:00"),
        {"slot_minutes": 20, "horizon_days": 60},
        (
            Person("Olivia Chen", "olivia.chen@example.net", "Australia/Sydney", "+61491570156"),
            Person("Noah Baker", "", "Australia/Sydney", "+61491570157", "Mother books for him."),
        ),
    ),
    Practitioner(
        "Amelia Hart",
        "amelia@example.com",
        "Dermatology",
        "Europe/London",
        "Skin checks, eczema, moles. Referrals welcome but not needed.",
        weekly(WORKWEEK, "09:00-13:00", "14:00-17:00"),
        {"slot_minutes": 20},
        (Person("Harold Finch", "harold.finch@example.net", "Europe/London", "+442079460123"),),
    ),
    Practitioner(
        "Tomasz Nowak",
        "tomasz@example.com",
        "Bicycle repair",
        "Europe/Warsaw",
        "The night workshop: leave it in the evening, ride it home in the morning.",
        weekly((MON, TUE, WED), "14:00-20:00") + weekly((THU, FRI, SAT), "18:00-02:00"),
        {"notice_minutes": 60, "hold_minutes": 15},
    ),
    Practitioner(
        "Lucía Ferrer",
        "lucia@example.com",
        "Spanish tutoring",
        "America/Mexico_City",
        "Conversation first, grammar when you ask for it.",
        weekly((MON, TUE, THU), "15:00-21:00") + weekly((SAT,), "09:00-13:00"),
        {"slot_minutes": 30},
        (Person("Ben Okafor", "ben.okafor@example.net", "Europe/London"),),
    ),
    Practitioner(
        "Noor Haddad",
        "noor@example.com",
        "Speech therapy",
        "Europe/Amsterdam",
        "New here, and waiting for the office's approval.",
        weekly((TUE, THU), "09:30-12:30", "13:30-16:00"),
        is_approved=False,
    ),
)


REGISTERED = (
    Person("Sam Carter", "sam@example.com", "Europe/London", "+442079460111"),
    Person("Ingrid Solberg", "ingrid@example.com", "Europe/Oslo"),
    Person("Marcus Reed", "marcus@example.com", "America/New_York", "+12025550119"),
    Person("Ayesha Khan", "ayesha@example.com", "Asia/Kolkata"),
    Person("Tom Gallagher", "tom@example.com", "Australia/Sydney"),
    Person("Elena Rossi", "elena@example.com", "Europe/Rome"),
)


@dataclass(frozen=True)
class DemoService:
    name: str
    duration: int
    by: tuple[str, ...]
    before: int = 0
    after: int = 0
    needs_approval: bool = False
    description: str = ""
    owned: bool = False


OFFERS = (
    DemoService(
        "First consultation", 60, ("maya", "daniel", "amelia"), after=15, description="We listen, examine and plan."
    ),
    DemoService("Quick question", 15, ("maya", "priya", "tomasz"), description="Fifteen minutes, one question."),
    DemoService("Physiotherapy", 45, ("maya",), after=5, owned=True),
    DemoService(
        "Home visit",
        60,
        ("maya",),
        before=15,
        after=15,
        needs_approval=True,
        description="Within the city. Maya looks at every request.",
        owned=True,
    ),
    DemoService("Therapy session", 50, ("daniel",), after=10, owned=True),
    DemoService("Yoga, one to one", 75, ("priya",), before=15, owned=True),
    DemoService(
        "Nutrition workshop",
        90,
        ("priya",),
        needs_approval=True,
        description="Priya looks at every request.",
        owned=True,
    ),
    DemoService("Guitar lesson", 40, ("jack",), owned=True),
    DemoService("Skin check", 20, ("amelia",), owned=True),
    DemoService("Minor surgery", 80, ("amelia",), before=20, after=20, needs_approval=True, owned=True),
    DemoService("Bicycle service", 90, ("tomasz",), after=15, owned=True),
    DemoService("Puncture repair", 30, ("tomasz",), owned=True),
    DemoService("Spanish conversation", 60, ("lucia",), owned=True),
)
