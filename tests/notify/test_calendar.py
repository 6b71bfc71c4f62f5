from __future__ import annotations

from datetime import timedelta

from icalendar import Calendar

from iot_service.notify.calendar import CalendarEntry, cancel, request
from tests.factories import NOW

ENTRY = CalendarEntry(
    uid="appointment-7@example.com",
    sequence=2,
    starts_at=NOW,
    ends_at=NOW + timedelta(hours=2),
    summary="Volvo: service og dekkskift",
    description="Linje én\nLinje to, med komma; og semikolon",
    location="Verksted Oslo, Verkstedveien 2",
    url="https://example.com/l/x",
    organizer="service@example.com",
    attendee="anna@example.com",
    written_at=NOW - timedelta(minutes=1),
)


def test_a_request_puts_the_appointment_into_the_calendar() -> None:
    text = request(ENTRY)
    calendar = Calendar.from_ical(text)
    event = calendar.walk("VEVENT")[0]
    assert calendar["METHOD"] == "REQUEST"
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("appointment-7@example.com", 2, "CONFIRMED")
    assert event.decoded("DTSTART") == ENTRY.starts_at
    assert event.decoded("DTEND") == ENTRY.ends_at
    assert event.decoded("DTSTAMP") == ENTRY.written_at
    assert event["SUMMARY"] == ENTRY.summary
    assert event["DESCRIPTION"] == ENTRY.description
    assert (event["ORGANIZER"], event["ATTENDEE"]) == ("mailto:service@example.com", "mailto:anna@example.com")
    assert "DTSTART:20261121T120000Z" in text


def test_a_cancellation_takes_the_same_entry_out() -> None:
    calendar = Calendar.from_ical(cancel(ENTRY))
    event = calendar.walk("VEVENT")[0]
    assert (calendar["METHOD"], event["STATUS"], event["UID"]) == ("CANCEL", "CANCELLED", "appointment-7@example.com")


def test_the_same_entry_gives_the_same_text() -> None:
    assert request(ENTRY) == request(ENTRY)


def test_lines_end_and_fold_as_the_standard_says() -> None:
    lines = request(ENTRY).encode().split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert max(len(line) for line in lines) <= 75
