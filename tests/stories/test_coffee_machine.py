"""The coffee machine: capsules are on the way before they run out, and nobody has to phone."""

from __future__ import annotations

import uuid
from datetime import timedelta

from iot_service import clock
from iot_service.commerce.stock import set_initial
from iot_service.model.customer import Locale
from iot_service.products.catalog import load_catalog
from tests.factories import insert, make_customer, make_device, make_site, make_subscription
from tests.stories.running import RunningService, link_in, wait_for


class Office:
    """An office whose machine had 60 capsules a week ago and uses ten a day; it is resupplied under a subscription."""

    def __init__(self, service: RunningService, *, cancel_window: timedelta) -> None:
        key = uuid.uuid4().int % 10**5
        self.customer, self.device = f"office-{key}", f"coffee-{key}"
        self.phone, self.email = f"+47931{key:05d}", f"{self.customer}@example.com"
        now = clock.now()
        with service.database.transaction() as connection:
            make_customer(
                connection, id=self.customer, name="Kontoret", phone=self.phone, email=self.email, locale=Locale.EN
            )
            make_site(connection, id=self.customer, customer_id=self.customer)
            make_device(
                connection, id=self.device, product="coffee_machine", customer_id=self.customer, site_id=self.customer,
                name="Coffee machine", parameters={},
            )  # fmt: skip
            insert(
                connection, "consent", customer_id=self.customer, purpose="service_data", granted_at=now,
                wording="You may use what the machine reports to serve me.", source="test",
            )  # fmt: skip
            make_subscription(
                connection,
                id=self.device,
                customer_id=self.customer,
                device_id=self.device,
                cancel_window=cancel_window,
            )
        start = now - timedelta(days=7)
        service.telemetry(self.device, [(start, {"CapsuleCounter": 0})])
        wait_for(lambda: service.rows("SELECT 1 FROM reading WHERE device_id = %(id)s", id=self.device))
        with service.database.transaction() as connection:
            set_initial(connection, self.device, "capsules", 75, catalog=load_catalog(), actor="test", now=start)
        service.telemetry(
            self.device, [(start + timedelta(hours=2.4) * i, {"CapsuleCounter": i}) for i in range(1, 71)]
        )


def order_of(service: RunningService, office: Office) -> dict[str, object]:
    rows = service.rows("SELECT state, packs, quantity FROM supply_order WHERE device_id = %(id)s", id=office.device)
    assert len(rows) == 1, rows
    return rows[0]


def test_capsules_are_reordered_and_the_message_says_what_why_and_until_when(service: RunningService) -> None:
    office = Office(service, cancel_window=timedelta(hours=24))
    text = service.wait_for_sms(office.phone)[-1].text
    mail = service.wait_for_mail(office.email)[-1]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "capsules" in text.lower()
    assert "cancel" in text.lower()
    assert link_in(text) in body.get_content()
    order = order_of(service, office)
    assert order["state"] == "pending"
    assert order["quantity"] == 40 * int(str(order["packs"]))
    assert str(order["quantity"]) in body.get_content()


def test_an_order_is_cancelled_in_time_by_the_link(service: RunningService) -> None:
    office = Office(service, cancel_window=timedelta(hours=24))
    link = link_in(service.wait_for_sms(office.phone)[-1].text)
    page = service.get(link)
    assert "capsules" in page.lower()
    assert order_of(service, office)["state"] == "pending", "opening the link must not act"
    assert service.press(link, action="cancel").status_code == 200
    assert order_of(service, office)["state"] == "cancelled"
    assert service.press(link, action="cancel").status_code in {200, 409}, "a second tap is harmless"


def test_an_order_cannot_be_cancelled_too_late(service: RunningService) -> None:
    office = Office(service, cancel_window=timedelta(seconds=1))
    link = link_in(service.wait_for_sms(office.phone)[-1].text)
    wait_for(lambda: order_of(service, office)["state"] == "placed", what="the order to be placed")
    answer = service.press(link, action="cancel")
    assert answer.status_code == 409
    assert order_of(service, office)["state"] == "placed"
