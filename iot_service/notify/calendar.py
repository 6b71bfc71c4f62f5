"""The .ics that goes with a message about an appointment (RFC 5545 iCalendar, RFC 5546 scheduling)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from icalendar import Calendar, Event, vCalAddress


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One appointment as a calendar shows it.

    ``uid`` and ``sequence`` let the calendar find the entry again and know which version is newer. Times are UTC;
    ``written_at`` is when this version was made.
    """

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    location: str
    url: str
    organizer: str
    attendee: str
    written_at: datetime


def request(entry: CalendarEntry) -> str:
    """Return the iCalendar text that puts ``entry`` into a calendar, or moves it there."""
    return _text(entry, method="REQUEST", status="CONFIRMED")


def cancel(entry: CalendarEntry) -> str:
    """Return the iCalendar text that takes ``entry`` out of a calendar."""
    return _text(entry, method="CANCEL", status="CANCELLED")


def _text(entry: CalendarEntry, *, method: str, status: str) -> str:
    calendar = Calendar()
    calendar.add("prodid", "-//iot-service//appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.written_at)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("location", entry.location)
    event.add("url", entry.url)
    event.add("status", status)
    event.add("organizer", vCalAddress(f"mailto:{entry.organizer}"))
    attendee = vCalAddress(f"mailto:{entry.attendee}")
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    event.add("attendee", attendee, encode=False)
    calendar.add_component(event)
    return str(calendar.to_ical().decode())
