"""The car, as its owner agreed: booked for her, proposed to her, or kept until she asks."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from icalendar import Calendar

from iot_service import clock
from tests.factories import insert, make_customer, make_device, make_site, make_technician, make_workshop
from tests.stories.running import RunningService, link_in, wait_for


class Owner:
    """Anna, her car, and a workshop that serves cars."""

    def __init__(self, service: RunningService, *, strategy: str, consent: bool = True) -> None:
        key = uuid.uuid4().int % 10**5
        self.customer, self.device, self.workshop = f"anna-{key}", f"car-{key}", f"workshop-{key}"
        self.phone, self.email = f"+47941{key:05d}", f"{self.customer}@example.com"
        now = clock.now()
        with service.database.transaction() as connection:
            connection.execute("UPDATE workshop SET products = '{}'")  # those of other stories close
            make_workshop(connection, id=self.workshop, bays=("Bay 1", "Bay 2"))
            make_technician(
                connection, id=f"mechanic-{key}", workshop_id=self.workshop, phone=None,
                skills=["car"],
            )  # fmt: skip
            make_customer(connection, id=self.customer, phone=self.phone, email=self.email)
            make_site(connection, id=self.customer, customer_id=self.customer)
            make_device(
                connection, id=self.device, product="car", customer_id=self.customer, site_id=self.customer,
                name="Elbilen", parameters={},
            )  # fmt: skip
            if consent:
                insert(
                    connection, "consent", customer_id=self.customer, purpose="service_data", granted_at=now,
                    wording="Dere kan bruke bilens data til service.", source="test",
                )  # fmt: skip
            insert(
                connection,
                "strategy_choice",
                customer_id=self.customer,
                kind="service",
                strategy=strategy,
                chosen_at=now,
            )
            insert(
                connection, "mandate", customer_id=self.customer, kind="service", max_price=1_000_000,
                cancel_window=timedelta(days=1), granted_at=now,
            )  # fmt: skip
        start = now - timedelta(minutes=20)
        service.telemetry(
            self.device,
            [
                (start + timedelta(minutes=i), {"odometer": 14_600 + i, "distance_to_service": 400 - i, "speed": 50})
                for i in range(20)
            ],
        )


def test_automate_books_and_one_tap_moves_it(service: RunningService) -> None:
    owner = Owner(service, strategy="automate")
    link = link_in(service.wait_for_sms(owner.phone)[-1].text)
    mail = service.wait_for_mail(owner.email)[-1]
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar" and not part.get_filename()]
    [entry] = Calendar.from_ical(part.get_content()).walk("VEVENT")
    [booked] = service.rows("SELECT * FROM appointment WHERE device_id = %(id)s", id=owner.device)
    assert entry.decoded("dtstart") == booked["starts_at"]
    assert int(str(entry["SEQUENCE"])) == 0
    held = service.rows("SELECT period FROM resource_booking WHERE appointment_id = %(id)s", id=booked["id"])
    assert len(held) == 2, "a bay and a technician"

    page = service.get(link)
    other = page.split('name="starts_at" value="')[1].split('"')[0]
    assert service.press(link, action="move", starts_at=other).status_code == 200
    [moved] = service.rows("SELECT * FROM appointment WHERE device_id = %(id)s", id=owner.device)
    assert moved["starts_at"].isoformat() == other.replace("Z", "+00:00")
    assert moved["starts_at"] != booked["starts_at"]
    second = service.wait_for_mail(owner.email, count=2)[-1]
    [part] = [part for part in second.walk() if part.get_content_type() == "text/calendar" and not part.get_filename()]
    [update] = Calendar.from_ical(part.get_content()).walk("VEVENT")
    assert (update["UID"], int(str(update["SEQUENCE"]))) == (entry["UID"], 1)
    assert update.decoded("dtstart") == moved["starts_at"]


def test_coach_proposes_and_one_tap_accepts(service: RunningService) -> None:
    owner = Owner(service, strategy="coach")
    link = link_in(service.wait_for_sms(owner.phone)[-1].text)
    assert service.rows("SELECT id FROM appointment WHERE device_id = %(id)s", id=owner.device) == []
    assert service.press(link, action="accept").status_code == 200
    [booked] = service.rows("SELECT state FROM appointment WHERE device_id = %(id)s", id=owner.device)
    assert booked["state"] == "booked"
    service.wait_for_mail(owner.email, count=2)


@pytest.mark.parametrize("strategy", ["curate", "respond"])
def test_curate_and_respond_wait_for_her_visit(service: RunningService, strategy: str) -> None:
    owner = Owner(service, strategy=strategy)
    [need] = wait_for(
        lambda: service.rows(
            "SELECT strategy, strategy_reason FROM need WHERE device_id = %(id)s AND strategy IS NOT NULL",
            id=owner.device,
        ),
        what="the decision",
    )
    assert need["strategy"] == strategy
    assert service.rows("SELECT id FROM appointment WHERE device_id = %(id)s", id=owner.device) == []
    assert service.rows("SELECT id FROM proposal WHERE device_id = %(id)s", id=owner.device) == []
    assert service.gateway.messages(owner.phone) == []


def test_without_consent_nothing_is_done_by_itself(service: RunningService) -> None:
    owner = Owner(service, strategy="automate", consent=False)
    [event] = wait_for(
        lambda: service.rows(
            "SELECT reason FROM event WHERE device_id = %(id)s AND type = 'need.engaged'", id=owner.device
        ),
        what="the decision",
    )
    assert "consent" in event["reason"]
    assert service.rows("SELECT id FROM appointment WHERE device_id = %(id)s", id=owner.device) == []
