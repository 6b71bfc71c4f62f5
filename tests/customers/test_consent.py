from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.customers import consent
from iot_service.db import Database
from iot_service.errors import NotFoundError
from iot_service.model.customer import Mandate, Purpose, Strategy
from iot_service.model.need import NeedKind
from tests.factories import NOW, make_customer

WORDS = {"wording": "You may use my data.", "source": "contract"}


def test_a_customer_who_said_nothing_agreed_to_nothing(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        agreed = consent.agreement(connection, "anna", now=NOW)
    assert (agreed.consents, agreed.strategies, agreed.mandates) == (frozenset(), {}, {})


def test_a_consent_is_granted_once_and_revoked_once(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        given = [
            consent.grant(connection, "anna", Purpose.SERVICE_DATA, **WORDS, actor="customer:anna", now=NOW)
            for _ in range(2)
        ]
        assert consent.agreement(connection, "anna", now=NOW).consents == {Purpose.SERVICE_DATA}
        later = NOW + timedelta(days=1)
        taken = [
            consent.revoke(connection, "anna", Purpose.SERVICE_DATA, actor="customer:anna", now=later) for _ in range(2)
        ]
        assert consent.agreement(connection, "anna", now=later).consents == frozenset()
        events = connection.execute("SELECT type, actor, data FROM event ORDER BY id").fetchall()
    assert (given, taken) == ([True, False], [True, False])
    assert [(row["type"], row["actor"], row["data"]["purpose"]) for row in events] == [
        ("consent.granted", "customer:anna", "service_data"),
        ("consent.revoked", "customer:anna", "service_data"),
    ]


def test_other_words_are_another_consent_and_the_history_stays(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        for wording in ("Old words", "New words"):
            consent.grant(
                connection, "anna", Purpose.MARKETING, wording=wording, source="page", actor="customer:anna", now=NOW
            )
        kept = consent.consents(connection, "anna")
    assert [(each.wording, each.revoked_at) for each in kept] == [("New words", None), ("Old words", NOW)]


def test_a_strategy_is_chosen_per_kind_and_may_change(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        for strategy in (Strategy.COACH, Strategy.COACH, Strategy.AUTOMATE):
            consent.choose_strategy(connection, "anna", NeedKind.SERVICE, strategy, actor="customer:anna", now=NOW)
        agreed = consent.agreement(connection, "anna", now=NOW)
        events = connection.execute("SELECT count(*) AS n FROM event").fetchone()
    assert agreed.strategies == {NeedKind.SERVICE: Strategy.AUTOMATE}
    assert events == {"n": 2}


def test_a_mandate_with_other_terms_replaces_the_one_in_force(database: Database) -> None:
    first = Mandate(NeedKind.REFILL, 100_000, timedelta(hours=24))
    second = Mandate(NeedKind.REFILL, None, timedelta(hours=48))
    with database.transaction() as connection:
        make_customer(connection)
        changed = [
            consent.grant_mandate(connection, "anna", mandate, actor="customer:anna", now=NOW)
            for mandate in (first, first, second)
        ]
        assert consent.agreement(connection, "anna", now=NOW).mandates == {NeedKind.REFILL: second}
        assert consent.revoke_mandate(connection, "anna", NeedKind.REFILL, actor="customer:anna", now=NOW)
        assert consent.agreement(connection, "anna", now=NOW).mandates == {}
    assert changed == [True, False, True]


def test_nobody_agrees_for_a_customer_who_does_not_exist(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(NotFoundError, match="nobody"):
        consent.grant(connection, "nobody", Purpose.LOCATION, **WORDS, actor="operator:1", now=NOW)
