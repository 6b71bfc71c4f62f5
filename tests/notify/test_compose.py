from __future__ import annotations

from datetime import timedelta

import pytest
from icalendar import Calendar

from iot_service.db import Database
from iot_service.links import LinkPurpose, Links, Person
from iot_service.model.event import EventType
from iot_service.notify import gsm
from iot_service.notify.compose import ComposeRunner
from iot_service.notify.policy import POLICY
from tests.factories import NOW, insert, make_customer, make_device, make_need, make_site, make_technician
from tests.notify.conftest import Messages
from tests.notify.scenes import SCENES, asked, happen, make_appointment, make_job, make_order, make_world

CONTENT: dict[str, tuple[str, str]] = {
    "fault_urgent": ("Hold døren lukket.", "Keep the door closed."),
    "fault_minor": ("Lavt dekktrykk", "Low tyre pressure"),
    "need_worse": ("Det har blitt verre", "It has become worse"),
    "need_waiting": ("Service nærmer seg", "Service due soon"),
    "fault_over": ("i orden igjen", "well again"),
    "fault_withdrawn": ("Du trenger ikke gjøre noe", "You need do nothing"),
    "proposal": ("mandag 23. november kl. 09.00", "Monday 23 November at 09:00"),
    "appointment_booked": ("service og skift til vinterdekk", "service and change to winter tyres"),
    "appointment_moved": ("er flyttet", "has moved"),
    "appointment_cancelled": ("er avlyst", "is cancelled"),
    "job_dispatched": ("Storgata 1, 0155 Oslo", "Storgata 1, 0155 Oslo"),
    "job_cancelled": ("Du trenger ikke å dra dit", "You need not go there"),
    "technician_accepted": ("omtrent kl. 13.25", "at about 13:25"),
    "technician_en_route": ("på vei til Legekontoret", "on the way to Surgery"),
    "technician_cancelled": ("er avlyst", "is cancelled"),
    "job_completed": (
        "er ferdig med jobben på Vaksinefryser: reparasjon av fryser",
        "has finished the job on Vaccine freezer",
    ),
    "nobody_available": ("Somebody has to phone around", "Somebody has to phone around"),
    "order_pending": ("avbestille til søndag 22. november kl. 13.00", "cancel until Sunday 22 November at 13:00"),
    "order_shipped": ("senest onsdag 25. november", "by Wednesday 25 November"),
    "order_cancelled": ("du betaler ingenting", "you pay nothing"),
}
"""What each message must say, in Norwegian and in English."""


def test_there_is_a_scene_for_every_message() -> None:
    assert SCENES.keys() == CONTENT.keys() == {row.template for row in POLICY}


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("name", SCENES)
def test_each_message_says_what_matters_and_fits_an_sms(
    name: str, locale: str, database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection, locale=locale)
        SCENES[name][1](connection)
    assert composer.run_once() == 1 + (name == "technician_accepted")
    (message,) = messages(name)
    assert CONTENT[name][locale == "en"] in message["body"]
    assert gsm.is_gsm(message["short_text"]), message["short_text"]
    assert gsm.parts(message["short_text"]) <= 2, message["short_text"]
    if message["link"] is not None:
        assert message["short_text"].endswith(f" {message['link']}")
        assert message["link"] in message["body"]


@pytest.mark.parametrize(
    ("locale", "body", "short"),
    [
        ("nb", "Det er -48,3 °C i fryseren, og grensen er -60 °C.", "Det er -48,3 C i fryseren, og grensen er -60 C."),
        ("en", "It is -48.3 °C in the freezer, and the limit is -60 °C.", "It is -48.3 C in the freezer"),
    ],
)
def test_what_was_seen_is_said_with_its_values(
    locale: str, body: str, short: str, database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection, locale=locale)
        evidence = {"temperature": {"value": -48.26}, "limit": {"value": -60.0}}
        happen(connection, EventType.NEED_OPENED, make_need(connection, evidence=evidence))
    composer.run_once()
    (message,) = messages("fault_urgent")
    assert body in message["body"]
    assert short in message["short_text"]
    assert gsm.is_gsm(message["short_text"])
    assert gsm.parts(message["short_text"]) <= 2


def test_deliveries_follow_the_policy_and_the_app_has_it_at_once(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        SCENES["appointment_booked"][1](connection)
    composer.run_once()
    deliveries = messages("appointment_booked")[0]["deliveries"]
    assert {channel: (row["address"], row["state"]) for channel, row in deliveries.items()} == {
        "app": ("anna", "sent"),
        "sms": ("+4790000001", "queued"),
        "email": ("anna@example.com", "queued"),
    }
    assert deliveries["app"]["sent_at"] == NOW


def test_who_has_neither_phone_nor_email_finds_it_in_the_app(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        connection.execute("UPDATE customer SET phone = NULL, email = NULL")
        SCENES["appointment_booked"][1](connection)
    composer.run_once()
    (message,) = messages("appointment_booked")
    assert message["deliveries"].keys() == {"app"}
    assert message["calendar"] is None


@pytest.mark.parametrize(
    ("name", "person", "person_id", "purpose"),
    [
        ("fault_urgent", Person.CUSTOMER, "anna", LinkPurpose.HOME),
        ("proposal", Person.CUSTOMER, "anna", LinkPurpose.PROPOSAL),
        ("appointment_booked", Person.CUSTOMER, "anna", LinkPurpose.APPOINTMENT),
        ("order_pending", Person.CUSTOMER, "anna", LinkPurpose.ORDER),
        ("job_dispatched", Person.TECHNICIAN, "kari", LinkPurpose.JOB),
    ],
)
def test_the_link_is_bound_to_one_person_and_one_thing(
    name: str,
    person: Person,
    person_id: str,
    purpose: LinkPurpose,
    database: Database,
    composer: ComposeRunner,
    messages: Messages,
    links: Links,
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        SCENES[name][1](connection)
    composer.run_once()
    (message,) = messages(name)
    link = links.read(message["link"].rpartition("/l/")[2], now=NOW)
    assert (link.person, link.person_id, link.purpose) == (person, person_id, purpose)
    assert link.subject_id == (0 if purpose is LinkPurpose.HOME else 1)
    assert link.expires_at > NOW + timedelta(days=1)


def test_a_moved_and_then_cancelled_appointment_keeps_its_calendar_entry(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        appointment = make_appointment(connection)
        happen(connection, EventType.APPOINTMENT_BOOKED, appointment)
    composer.run_once()
    with database.transaction() as connection:
        connection.execute("UPDATE appointment SET sequence = 1, state = 'cancelled'")
        happen(connection, EventType.APPOINTMENT_CANCELLED, appointment)
    composer.run_once()
    booked = Calendar.from_ical(messages("appointment_booked")[0]["calendar"])
    cancelled = Calendar.from_ical(messages("appointment_cancelled")[0]["calendar"])
    entries = [calendar.walk("VEVENT")[0] for calendar in (booked, cancelled)]
    assert (booked["METHOD"], cancelled["METHOD"]) == ("REQUEST", "CANCEL")
    assert entries[0]["UID"] == entries[1]["UID"] == f"appointment-{appointment['id']}@example.com"
    assert [entry["SEQUENCE"] for entry in entries] == [0, 1]


def test_what_has_moved_on_is_not_told(database: Database, composer: ComposeRunner, messages: Messages) -> None:
    with database.transaction() as connection:
        make_world(connection)
        happen(connection, EventType.APPOINTMENT_BOOKED, make_appointment(connection, state="cancelled"))
        asked(connection, make_job(connection, technician_id=None, state="planned", answer_by=None))
    assert composer.run_once() == 2
    assert messages("appointment_booked") == messages("job_dispatched") == []


def test_a_technician_who_no_longer_is_asked_is_left_alone(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        make_technician(connection, id="per", name="Per")
        job = make_job(connection)
        asked(connection, job, data={"technician_id": "per"})
        asked(connection, job)
    assert composer.run_once() == 2
    assert [message["recipient_id"] for message in messages("job_dispatched")] == ["kari"]


def test_an_order_that_can_no_longer_be_cancelled_does_not_offer_it(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        happen(connection, EventType.ORDER_PENDING, make_order(connection, state="placed"))
    composer.run_once()
    (message,) = messages("order_pending")
    assert "vbestill" not in message["body"] + message["short_text"]
    assert "120 kaffekapsler (3 pakker)\n597 kr" in message["body"]


def test_every_operator_who_may_log_in_hears_that_nobody_is_available(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        insert(connection, "operator", email="eva@example.com", name="Eva", password_hash="x", created_at=NOW)
        insert(
            connection,
            "operator",
            email="gone@example.com",
            name="Gone",
            password_hash="x",
            created_at=NOW,
            disabled_at=NOW,
        )
        SCENES["nobody_available"][1](connection)
    composer.run_once()
    assert [row["deliveries"]["email"]["address"] for row in messages("nobody_available")] == [
        "ola@example.com",
        "eva@example.com",
    ]


@pytest.mark.parametrize(("hours", "told"), [(1, 0), (-1, 1)])
def test_a_need_that_operators_put_aside_does_not_call_them_again_until_then(
    database: Database, composer: ComposeRunner, messages: Messages, hours: int, told: int
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        SCENES["nobody_available"][1](connection)
        connection.execute("UPDATE need SET snoozed_until = %(until)s", {"until": NOW + timedelta(hours=hours)})
    composer.run_once()
    assert len(messages("nobody_available")) == told


def test_a_rule_that_the_catalog_no_longer_knows_is_still_told(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        happen(connection, EventType.NEED_OPENED, make_need(connection, rule="compressor_worn"))
    assert composer.run_once() == 1
    assert "compressor_worn" in messages("fault_urgent")[0]["subject"]


def test_the_same_event_composed_again_writes_nothing_new(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        event_id = SCENES["fault_urgent"][1](connection)
    composer.run_once()
    with database.transaction() as connection:
        insert(connection, "event_todo", event_id=event_id, consumer="notify")
    assert composer.run_once() == 1
    assert len(messages("fault_urgent")) == 1


def test_a_need_that_became_worse_before_anybody_was_told_is_told_once(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        need = make_need(connection)
        happen(connection, EventType.NEED_OPENED, need, data={"severity": "high"})
        happen(connection, EventType.NEED_ESCALATED, need, old="high", new="critical", data={"severity": "critical"})
    assert composer.run_once() == 2
    assert (len(messages("fault_urgent")), len(messages("need_worse"))) == (0, 1)


def test_nobody_is_told_of_a_need_that_is_part_of_another(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        make_device(connection, id="freezer-2")
        parent = make_need(connection, rule="power_lost", site_id="anna-home")
        child = make_need(
            connection, rule="power_lost", device_id="freezer-2", site_id="anna-home", parent_id=parent["id"]
        )
        happen(connection, EventType.NEED_ESCALATED, child, old="high", data={"severity": "critical"})
    assert composer.run_once() == 1
    assert messages("need_worse") == []


def test_an_event_that_cannot_be_told_does_not_hold_up_the_others(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        need = make_need(connection)
        happen(connection, EventType.NEED_OPENED, need, subject_id="404")
        happen(connection, EventType.NEED_OPENED, need)
    assert composer.run_once() == 1
    assert len(messages("fault_urgent")) == 1
    with database.transaction() as connection:
        left = connection.execute("SELECT error FROM event_todo WHERE consumer = 'notify'").fetchall()
    assert [row["error"] for row in left] == ["LookupError: query need gave no row"]


def test_people_are_told_in_their_own_time_zone(
    database: Database, composer: ComposeRunner, messages: Messages
) -> None:
    with database.transaction() as connection:
        make_world(connection)
        make_customer(connection, id="li", name="Li", locale="en", time_zone="Asia/Shanghai")
        make_site(connection, id="li-home", customer_id="li")
        connection.execute("UPDATE device SET customer_id = 'li' WHERE id = 'car-1'")
        happen(connection, EventType.APPOINTMENT_BOOKED, make_appointment(connection, customer_id="li"))
    composer.run_once()
    assert "Monday 23 November at 16:00" in messages("appointment_booked")[0]["body"]
