"""Free times: the workshop's own clock, its bays, its technicians."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from iot_service.booking.hours import OpeningHours, Period, parse_opening_hours
from iot_service.booking.slots import GRID, Workshop, free_slots, over_days
from iot_service.model.geography import Place
from iot_service.model.work import Slot
from tests.factories import OPENING_HOURS

OSLO = ZoneInfo("Europe/Oslo")
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)


def workshop(
    *,
    hours: OpeningHours | None = None,
    bays: tuple[int, ...] = (1,),
    technicians: dict[int, set[str]] | None = None,
    busy: dict[int, list[Period]] | None = None,
) -> Workshop:
    return Workshop(
        id="oslo",
        place=Place(59.92, 10.69),
        hours=hours or parse_opening_hours(OPENING_HOURS, time_zone="Europe/Oslo"),
        bays=bays,
        technicians=technicians if technicians is not None else {11: {"car"}},
        busy=busy or {},
    )


def find(where: Workshop, *, days: float = 1, duration: timedelta = TWO_HOURS, **over: object) -> list[Slot]:
    values = {"skills": {"car"}, "earliest": MONDAY, "latest": MONDAY + timedelta(days=days), **over}
    return list(free_slots(where, duration=duration, **values))  # type: ignore[arg-type]  # overrides by name


def local(slot: Slot) -> str:
    return f"{slot.starts_at.astimezone(OSLO):%a %H:%M}"


def held(start_hour: float, end_hour: float) -> Period:
    midnight = datetime(2026, 11, 23, tzinfo=OSLO)
    return Period(
        (midnight + timedelta(hours=start_hour)).astimezone(UTC), (midnight + timedelta(hours=end_hour)).astimezone(UTC)
    )


def test_visits_begin_every_half_hour_and_end_before_the_workshop_closes() -> None:
    slots = find(workshop())
    assert [local(slot) for slot in slots] == [
        f"Mon {hour:02}:{minute:02}" for hour in range(8, 15) for minute in (0, 30) if (hour, minute) <= (14, 0)
    ]
    assert all(slot.ends_at - slot.starts_at == TWO_HOURS for slot in slots)


def test_the_first_visit_is_not_before_the_earliest_instant_and_on_the_grid() -> None:
    earliest = datetime(2026, 11, 23, 9, 10, 1, tzinfo=UTC)  # 10:10:01 in Oslo
    assert local(find(workshop(), earliest=earliest)[0]) == "Mon 10:30"


def test_a_held_bay_or_a_held_technician_makes_a_time_impossible() -> None:
    for resource in (1, 11):
        slots = find(workshop(busy={resource: [held(8, 12)]}))
        assert local(slots[0]) == "Mon 12:00"


def test_one_bay_and_one_technician_are_enough_whichever_they_are() -> None:
    where = workshop(bays=(1, 2), technicians={11: {"car"}, 12: {"car"}}, busy={1: [held(8, 12)], 12: [held(8, 12)]})
    first = find(where)[0]
    assert (local(first), first.bay_id, first.technician_id) == ("Mon 08:00", 2, 11)


def test_the_technician_has_all_the_skills_of_the_visit() -> None:
    where = workshop(technicians={11: {"car"}, 12: {"car", "high_voltage"}})
    assert {slot.technician_id for slot in find(where, skills={"car", "high_voltage"})} == {12}
    assert find(where, skills={"refrigeration"}) == []


def test_a_product_cannot_be_in_two_places_at_once() -> None:
    assert local(find(workshop(), taken=[held(8, 10)])[0]) == "Mon 10:00"


def test_a_closed_day_and_a_weekend_have_no_times() -> None:
    hours = parse_opening_hours(OPENING_HOURS, time_zone="Europe/Oslo", closed_on=[date(2026, 11, 23)])
    assert find(workshop(hours=hours)) == find(workshop(), earliest=MONDAY - timedelta(days=2), days=-0.1) == []


def test_a_visit_longer_than_the_day_is_never_possible() -> None:
    assert find(workshop(), duration=timedelta(hours=9), days=28) == []


def test_a_choice_of_days_gives_the_first_time_of_each() -> None:
    slots = over_days(find(workshop(), days=28), time_zone=OSLO, count=3)
    assert [local(slot) for slot in slots] == ["Mon 08:00", "Tue 08:00", "Wed 08:00"]


minutes = st.integers(min_value=0, max_value=48).map(lambda half_hours: half_hours * 30)
span = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])
day_of_change = st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2026, 6, 1)])
zone = st.sampled_from(["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])


@given(
    weekly=st.dictionaries(st.integers(0, 6), st.lists(span, min_size=1, max_size=2), min_size=1),
    day=day_of_change,
    zone=zone,
    duration=st.integers(1, 8).map(lambda quarters: timedelta(minutes=15 * quarters)),
    offset=st.integers(0, 48 * 60),
    busy=st.lists(st.tuples(st.sampled_from([1, 2, 11, 12]), st.integers(0, 95), st.integers(1, 12)), max_size=6),
)
def test_a_slot_is_never_outside_opening_hours_and_never_overlaps_a_held_resource(
    weekly: dict[int, list[tuple[int, int]]],
    day: date,
    zone: str,
    duration: timedelta,
    offset: int,
    busy: list[tuple[int, int, int]],
) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    taken: dict[int, list[Period]] = {}
    for resource, hour, length in busy:
        begins = start + timedelta(hours=hour)
        taken.setdefault(resource, []).append(Period(begins, begins + timedelta(hours=length)))
    hours = OpeningHours(ZoneInfo(zone), weekly, frozenset({day + timedelta(days=1)}))
    where = workshop(hours=hours, bays=(1, 2), technicians={11: {"car"}, 12: {"car"}}, busy=taken)
    earliest = start + timedelta(minutes=offset)
    latest = earliest + timedelta(days=3)
    for slot in free_slots(where, duration=duration, skills={"car"}, earliest=earliest, latest=latest):
        assert earliest <= slot.starts_at <= latest
        assert slot.ends_at - slot.starts_at == duration
        begins = slot.starts_at.astimezone(ZoneInfo(zone))
        assert begins.minute % (GRID.seconds // 60) == 0
        for instant in (slot.starts_at, slot.ends_at - timedelta(seconds=1)):
            wall = instant.astimezone(ZoneInfo(zone))
            minute = wall.hour * 60 + wall.minute
            assert wall.date() != day + timedelta(days=1)
            assert any(opens <= minute < closes for opens, closes in weekly[wall.weekday()])
        visit = Period(slot.starts_at, slot.ends_at)
        for resource in (slot.bay_id, slot.technician_id):
            assert not any(visit.overlaps(other) for other in taken.get(resource, []))
