from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from iot_service.links import LinkPurpose, Links, Person
from iot_service.model.customer import Locale
from iot_service.notify.addressing import link_for
from iot_service.notify.message import Recipient, RecipientKind
from tests.factories import NOW

ANNA = Recipient(RecipientKind.CUSTOMER, "anna", "Anna", Locale.NB, "Europe/Oslo")
KARI = Recipient(RecipientKind.TECHNICIAN, "kari", "Kari", Locale.NB, "Europe/Oslo")
THURSDAY = NOW + timedelta(days=5)


@pytest.mark.parametrize(
    ("purpose", "subject", "until"),
    [
        (LinkPurpose.HOME, {"id": 7}, NOW + timedelta(days=30)),
        (LinkPurpose.JOB, {"id": 7}, NOW + timedelta(days=7)),
        (LinkPurpose.PROPOSAL, {"id": 7, "expires_at": THURSDAY}, THURSDAY + timedelta(days=1)),
        (LinkPurpose.APPOINTMENT, {"id": 7, "ends_at": THURSDAY}, THURSDAY + timedelta(days=1)),
        (LinkPurpose.ORDER, {"id": 7, "deliver_by": THURSDAY}, THURSDAY + timedelta(days=7)),
        (LinkPurpose.APPOINTMENT, {"id": 7, "ends_at": NOW - timedelta(days=9)}, NOW + timedelta(days=1)),
    ],
)
def test_a_link_works_as_long_as_its_subject_matters(
    purpose: LinkPurpose, subject: dict[str, object], until: datetime, links: Links
) -> None:
    url = link_for(links, purpose, recipient=ANNA, subject=subject, now=NOW)
    link = links.read(url.rpartition("/")[2], now=NOW)
    assert link.expires_at == until
    assert link.subject_id == (0 if purpose is LinkPurpose.HOME else 7)


def test_a_technician_gets_a_technicians_link(links: Links) -> None:
    url = link_for(links, LinkPurpose.JOB, recipient=KARI, subject={"id": 7}, now=NOW)
    link = links.read(url.rpartition("/")[2], now=NOW)
    assert (link.person, link.person_id) == (Person.TECHNICIAN, "kari")
