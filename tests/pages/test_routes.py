from __future__ import annotations

import re
from datetime import timedelta

import pytest
from psycopg import sql
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import Database
from iot_service.links import Link, LinkPurpose, Links, Person
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers
from tests.factories import NOW
from tests.world import World, make_world


@pytest.fixture
def world(database: Database, catalog: Catalog) -> World:
    clock.freeze(NOW)
    with database.transaction() as connection:
        return make_world(connection, catalog)


def state(database: Database, table: str, number: int) -> str:
    with database.transaction() as connection:
        query = sql.SQL("SELECT state FROM {} WHERE id = %(id)s").format(sql.Identifier(table))
        row = connection.execute(query, {"id": number}).fetchone()
    assert row is not None
    return str(row["state"])


def pages(callers: Callers, world: World) -> dict[str, str]:
    link = callers.link
    return {
        "home": f"/l/{link(LinkPurpose.HOME, 0)}",
        "appointment": f"/l/{link(LinkPurpose.APPOINTMENT, world.appointment)}",
        "proposal": f"/l/{link(LinkPurpose.PROPOSAL, world.proposal)}",
        "order": f"/l/{link(LinkPurpose.ORDER, world.order)}",
        "message": f"/l/{link(LinkPurpose.NOTIFICATION, world.message)}",
        "job": f"/l/{link(LinkPurpose.JOB, world.job, 'kari', Person.TECHNICIAN)}",
    }


def plain(html: str) -> str:
    """What a page says, without markup, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


SAYS = {
    "nb": {
        "home": ("Hei, Anna Berg", "Venter på deg", "Ledige tider", "Timer", "Leveranser", "Produktene dine", "ulest"),
        "appointment": ("Time på verkstedet", "Skift til vinterdekk", "mandag 23. november kl. 13.00", "890 kr i alt",
                        "Verkstedveien 2", "+47 22 00 00 00", "Flytt timen med ett trykk", "Avbestill timen"),
        "proposal": ("Forslag til time", "Test og bytte av 12 V-batteri", "Ja takk, bestill", "Nei takk", "Svar innen"),
        "order": ("Påfyll til Kaffemaskin", "3 pakker, 120 kapsler", "597 kr", "Avbestill",
                  "Kan avbestilles til søndag 22. november kl. 13.00"),
        "message": ("Hemmelig emne", "Hemmelig brødtekst", "Marker som lest"),
        "job": ("Reparasjon av fryser", "kritisk", "Anna Berg", "Storgata 1", "temperatur", "-55 °C", "Jeg tar den",
                "Svar før kl. 13.03"),
    },
    "en": {
        "home": ("Hello, Anna Berg", "Waiting for you", "Free times", "Appointments", "Deliveries", "Your products"),
        "appointment": ("Workshop appointment", "Change to winter tyres", "Monday 23 November at 13:00",
                        "NOK 890 in all", "Move it with one tap", "Cancel the appointment"),
        "proposal": ("A proposed time", "12 V battery test and replacement", "Yes please, book it", "Answer by"),
        "order": ("Supplies for Kaffemaskin", "3 packs, 120 capsules", "until Sunday 22 November at 13:00", "NOK 597"),
        "message": ("Hemmelig emne", "Mark as read"),
        "job": ("Freezer repair", "critical", "I take it", "temperature", "-55 °C", "Answer before 13:03"),
    },
}  # fmt: skip


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_each_page_speaks_its_readers_language(
    client: TestClient, callers: Callers, world: World, database: Database, locale: str
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE customer SET locale = %(locale)s", {"locale": locale})
        connection.execute("UPDATE technician SET locale = %(locale)s", {"locale": locale})
    for name, path in pages(callers, world).items():
        answer = client.get(path)
        assert answer.status_code == 200, name
        assert f'<html lang="{locale}">' in answer.text
        for text in SAYS[locale][name]:
            assert text in plain(answer.text), (name, text)


def test_the_page_of_a_job_says_what_was_seen_in_the_technicians_language(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    evidence = '{"temperature": {"value": -48.26}, "limit": {"value": -60.0}}'
    with database.transaction() as connection:
        connection.execute("UPDATE need SET evidence = %s::jsonb WHERE rule = 'temperature_high'", [evidence])
    text = plain(client.get(pages(callers, world)["job"]).text)
    assert "Det er -48,3 °C i fryseren, og grensen er -60 °C." in text


def test_pages_are_private_and_run_no_script(client: TestClient, callers: Callers, world: World) -> None:
    for path in pages(callers, world).values():
        answer = client.get(path)
        assert "<script" not in answer.text
        assert not re.search(r'\son\w+="', answer.text)
        assert not re.search(r'style="', answer.text)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_opening_a_page_changes_nothing(client: TestClient, callers: Callers, world: World, database: Database) -> None:
    def look() -> list[object]:
        with database.transaction() as connection:
            return [
                connection.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(table))).fetchall()
                for table in ("event", "appointment", "proposal", "supply_order", "job", "notification")
            ]

    before = look()
    for path in pages(callers, world).values():
        assert client.get(path).status_code == 200
        assert client.get(path, params={"action": "cancel"}).status_code == 200
        assert client.head(path).status_code in {200, 405}
    assert look() == before


def tap(client: TestClient, path: str, **form: str) -> str:
    """Tap a button, follow to the page that is shown then, and return what it says."""
    answer = client.post(path, data=form)
    assert answer.status_code == 303, plain(answer.text)
    return plain(client.get(answer.headers["location"]).text)


def buttons(html: str, name: str) -> list[str]:
    return re.findall(rf'<button name="{name}" value="([^"]+)"', html)


def test_one_tap_moves_an_appointment(client: TestClient, callers: Callers, world: World, database: Database) -> None:
    path = pages(callers, world)["appointment"]
    first = buttons(client.get(path).text, "starts_at")[0]
    says = tap(client, path, action="move", starts_at=first)
    assert "Timen er flyttet." in says
    assert "tirsdag 24. november kl. 08.00" in says
    assert "Timen er flyttet." in tap(client, path, action="move", starts_at=first)
    with database.transaction() as connection:
        moved = connection.execute("SELECT count(*) AS n FROM event WHERE type = 'appointment.moved'").fetchone()
        actor = connection.execute("SELECT actor FROM event WHERE type = 'appointment.moved'").fetchone()
    assert (moved, actor) == ({"n": 1}, {"actor": "customer:anna"})


def test_an_appointment_is_cancelled_and_a_double_tap_is_harmless(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    path = pages(callers, world)["appointment"]
    for _ in range(2):
        says = tap(client, path, action="cancel")
        assert "Avbestillingen er registrert." in says
        assert "Flytt timen" not in says
    assert state(database, "appointment", world.appointment) == "cancelled"


def test_one_tap_accepts_a_proposal(client: TestClient, callers: Callers, world: World, database: Database) -> None:
    path = pages(callers, world)["proposal"]
    for _ in range(2):
        assert "Du har takket ja" in tap(client, path, action="accept")
    assert state(database, "proposal", world.proposal) == "accepted"
    with database.transaction() as connection:
        booked = connection.execute("SELECT count(*) AS n FROM appointment WHERE device_id = 'car-1'").fetchone()
    assert booked == {"n": 2}


def test_what_has_moved_on_is_told_with_how_it_stands_now(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    path = pages(callers, world)["proposal"]
    tap(client, path, action="decline")
    answer = client.post(path, data={"action": "accept"})
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert "Slik står det nå" in plain(answer.text)
    assert "Du har takket nei" in plain(answer.text)


def test_an_order_is_cancelled_in_time_and_not_afterwards(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    path = pages(callers, world)["order"]
    clock.freeze(NOW + timedelta(hours=24))
    late = client.post(path, data={"action": "cancel"})
    assert late.status_code == 409
    assert "Fristen for å avbestille gikk ut" in plain(late.text)
    assert "Du kan returnere pakken uåpnet" in plain(late.text)
    assert "<button" not in late.text
    clock.freeze(NOW + timedelta(hours=23))
    for _ in range(2):
        assert "Avbestilt" in tap(client, path, action="cancel")
    assert state(database, "supply_order", world.order) == "cancelled"


def test_a_technician_takes_a_job_and_reports_step_by_step(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    path = pages(callers, world)["job"]
    assert "Jeg er på vei" in tap(client, path, action="accept")
    assert "Jeg er på vei" in tap(client, path, action="accept")
    assert "Jeg er på stedet" in tap(client, path, action="en_route")
    assert "Jobben er utført" in tap(client, path, action="on_site")
    assert "jobben er registrert som utført" in tap(client, path, action="complete")
    assert state(database, "job", world.job) == "completed"


def test_a_technician_who_declines_sees_no_address_any_more(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    path = pages(callers, world)["job"]
    says = tap(client, path, action="decline")
    assert "ikke lenger din" in says
    assert "Storgata" not in says
    next_one = client.get(f"/l/{callers.link(LinkPurpose.JOB, world.job, 'per', Person.TECHNICIAN)}")
    assert "Storgata 1" in next_one.text


def test_from_her_own_page_she_books_what_waits_for_her(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    home = pages(callers, world)["home"]
    first = buttons(client.get(home).text, "starts_at")[0]
    says = tap(client, home, action="book", need=str(world.need), starts_at=first)
    assert "Timen er bestilt." in says
    assert "Ledige tider" not in says
    again = client.post(home, data={"action": "book", "need": str(world.need), "starts_at": first})
    assert again.status_code == 409
    with database.transaction() as connection:
        query = "SELECT count(*) AS n FROM appointment WHERE need_id = %(need)s"
        assert connection.execute(query, {"need": world.need}).fetchone() == {"n": 1}


def test_what_is_done_from_her_own_page_leads_back_to_it(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    home = pages(callers, world)["home"]
    html = client.get(home).text
    form = re.search(r'<form method="post" action="(/l/[^"]+)" class="buttons two"><input type="hidden" name="home" '
                     r'value="([^"]+)">', html)  # fmt: skip
    assert form is not None
    says = tap(client, form[1], action="decline", home=form[2])
    assert "Hei, Anna Berg" in says
    assert state(database, "proposal", world.proposal) == "declined"


def test_a_form_leads_to_nobody_elses_page(client: TestClient, callers: Callers, world: World) -> None:
    path = pages(callers, world)["proposal"]
    for home in (callers.link(LinkPurpose.HOME, 0, "bo"), "//evil.example", callers.link(LinkPurpose.ORDER, 1)):
        answer = client.post(path, data={"action": "decline", "home": home})
        assert answer.headers["location"].startswith(path)


def test_a_message_is_read_by_a_tap_and_not_by_a_mail_scanner(
    client: TestClient, callers: Callers, world: World
) -> None:
    path = pages(callers, world)["message"]
    client.get(path)
    assert "Marker som lest" in plain(client.get(path).text)
    assert "Marker som lest" not in tap(client, path, action="read")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "explode"},
        {"action": "move"},
        {"action": "move", "starts_at": "soon"},
        {"action": "move", "starts_at": "2026-11-24T08:00"},
    ],
)
def test_a_form_that_makes_no_sense_is_answered_kindly(
    client: TestClient, callers: Callers, world: World, form: dict[str, str]
) -> None:
    answer = client.post(pages(callers, world)["appointment"], data=form)
    assert answer.status_code == 422
    assert "Velg en knapp nedenfor" in plain(answer.text)


def test_a_link_that_is_wrong_altered_or_expired_says_so_and_no_more(
    client: TestClient, callers: Callers, world: World, links: Links
) -> None:
    good = callers.link(LinkPurpose.HOME, 0)
    expired = links.token(Link(Person.CUSTOMER, "anna", LinkPurpose.HOME, 0, NOW - timedelta(minutes=5)))
    foreign = Links("another secret key, thirty-two long", "http://x").token(
        Link(Person.CUSTOMER, "anna", LinkPurpose.HOME, 0, NOW + timedelta(days=1))
    )
    for token in ("nonsense", good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B"), expired, foreign):
        for answer in (client.get(f"/l/{token}"), client.post(f"/l/{token}", data={"action": "cancel"})):
            assert answer.status_code == 404
            assert "This link no longer works" in answer.text
            assert "Anna" not in answer.text
    norwegian = client.get("/l/nonsense", headers={"Accept-Language": "nb-NO"})
    assert "Lenken virker ikke lenger" in norwegian.text


def test_what_people_wrote_never_becomes_markup(
    client: TestClient, callers: Callers, world: World, database: Database
) -> None:
    evil = '<script>alert("x")</script>'
    with database.transaction() as connection:
        connection.execute("UPDATE customer SET name = %(evil)s WHERE id = 'anna'", {"evil": evil})
        connection.execute("UPDATE device SET name = %(evil)s", {"evil": evil})
        connection.execute("UPDATE site SET address = %(evil)s", {"evil": evil})
        connection.execute("UPDATE notification SET subject = %(evil)s, body = %(evil)s", {"evil": evil})
    for path in pages(callers, world).values():
        html = client.get(path).text
        assert "<script" not in html
    assert "&lt;script&gt;" in client.get(pages(callers, world)["home"]).text
