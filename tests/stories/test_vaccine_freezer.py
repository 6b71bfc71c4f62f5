"""The vaccine freezer: a technician is on the way before the health workers notice."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from iot_service import clock
from tests.factories import make_customer, make_device, make_site, make_technician
from tests.stories.running import RunningService, link_in, wait_for

MINUTE = timedelta(minutes=1)


class Clinic:
    """A clinic with an ultra-low freezer that came into service this morning, and technicians near it."""

    def __init__(self, service: RunningService, *, technicians: int) -> None:
        key = uuid.uuid4().int % 10**5
        self.phone = f"+47911{key:05d}"
        self.skill = "refrigeration"
        self.device, self.customer = f"freezer-{key}", f"clinic-{key}"
        self.technicians = [(f"technician-{key}-{n}", f"+4792{n}{key:05d}") for n in range(technicians)]
        with service.database.transaction() as connection:
            connection.execute("UPDATE technician SET skills = '{}'")  # those of other stories go home
            make_customer(
                connection,
                id=self.customer,
                name="Legesenteret",
                phone=self.phone,
                email=f"{self.customer}@example.com",
            )
            make_site(connection, id=self.customer, customer_id=self.customer, name="Legesenteret")
            make_device(
                connection,
                id=self.device,
                customer_id=self.customer,
                site_id=self.customer,
                service_state="commissioning",
            )
            for distance, (technician, number) in enumerate(self.technicians):
                make_technician(
                    connection, id=technician, name=technician, phone=number, latitude=59.92 + distance / 10
                )


def minutes(start: datetime, values: list[float]) -> list[tuple[datetime, dict[str, Any]]]:
    return [(start + i * MINUTE, {"temperature": value, "door": 0, "power": 1}) for i, value in enumerate(values)]


COOL_DOWN = [20.0, -10.0, -40.0, -60.0, -68.0, *[-70.0] * 30]
WARM_UP = [-70.0 + i for i in range(31)]


def failing_freezer() -> list[tuple[datetime, dict[str, Any]]]:
    """Half an hour at -70 °C after the first cooling down, then a degree a minute up, ending now."""
    values = COOL_DOWN + WARM_UP
    return minutes(clock.now() - (len(values) - 1) * MINUTE, values)


def test_the_nearest_technician_is_asked_and_after_a_decline_the_next(service: RunningService) -> None:
    clinic = Clinic(service, technicians=2)
    (_, first_number), (second, second_number) = clinic.technicians
    service.telemetry(clinic.device, failing_freezer())

    asked = service.wait_for_sms(first_number)[-1]
    assert "Storgata 1" in asked.text
    link = link_in(asked.text)
    assert "Legesenteret" in service.get(link)
    assert service.press(link, action="decline").status_code == 200

    link = link_in(service.wait_for_sms(second_number)[-1].text)
    assert service.press(link, action="accept").status_code == 200

    told = wait_for(
        lambda: [sms for sms in service.gateway.messages(clinic.phone) if second in sms.text], what="the clinic's SMS"
    )
    assert len(told) == 1
    jobs = service.rows("SELECT state, technician_id FROM job WHERE device_id = %(id)s", id=clinic.device)
    assert jobs == [{"state": "accepted", "technician_id": second}]
    events = service.rows(
        "SELECT type, reason FROM event WHERE device_id = %(id)s AND type LIKE 'job.%%' ORDER BY id", id=clinic.device
    )
    assert [row["type"] for row in events][-3:] == ["job.declined", "job.dispatched", "job.accepted"]
    needs = service.rows("SELECT severity, reason, evidence FROM need WHERE device_id = %(id)s", id=clinic.device)
    assert [need["severity"] for need in needs] == ["critical"]
    assert "temperature" in needs[0]["evidence"]


def test_a_technician_who_does_not_answer_is_not_waited_for(service: RunningService) -> None:
    clinic = Clinic(service, technicians=2)
    (first, first_number), (_, second_number) = clinic.technicians
    service.telemetry(clinic.device, failing_freezer())
    late = link_in(service.wait_for_sms(first_number)[-1].text)
    service.wait_for_sms(second_number)
    page = service.press(late, action="accept")
    assert page.status_code in {200, 409}
    jobs = service.rows("SELECT technician_id FROM job WHERE device_id = %(id)s", id=clinic.device)
    assert [job["technician_id"] for job in jobs] != [first]
    answers = service.rows("SELECT answer FROM job_request WHERE technician_id = %(id)s", id=first)
    assert answers == [{"answer": "no_answer"}]


def test_a_freezer_that_was_never_cold_raises_no_alarm_but_is_commissioning(service: RunningService) -> None:
    clinic = Clinic(service, technicians=1)
    service.telemetry(clinic.device, minutes(clock.now() - 40 * MINUTE, [20.0] * 40))
    wait_for(
        lambda: service.rows(
            "SELECT 1 FROM rule_state WHERE device_id = %(id)s AND evaluated_until IS NOT NULL", id=clinic.device
        ),
        what="the rules to have seen it",
    )
    assert service.rows("SELECT id FROM need WHERE device_id = %(id)s", id=clinic.device) == []
    state = service.rows("SELECT service_state FROM device WHERE id = %(id)s", id=clinic.device)
    assert state == [{"service_state": "commissioning"}]


def test_the_clinic_hears_when_it_is_cold_again(service: RunningService) -> None:
    clinic = Clinic(service, technicians=1)
    samples = failing_freezer()
    shift = 60 * MINUTE
    service.telemetry(clinic.device, [(ts - shift, values) for ts, values in samples])
    service.wait_for_sms(clinic.technicians[0][1])
    before = len(service.gateway.messages(clinic.phone))
    service.telemetry(clinic.device, minutes(samples[-1][0] - shift + MINUTE, [-70.0] * 59))
    wait_for(lambda: len(service.gateway.messages(clinic.phone)) > before, what="the all-clear")
    needs = service.rows("SELECT state FROM need WHERE device_id = %(id)s", id=clinic.device)
    assert needs == [{"state": "resolved"}]
