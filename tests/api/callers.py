"""Those who call the API in tests, and the headers they come with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from iot_service.api import sessions, tokens
from iot_service.api.operators import add_operator
from iot_service.api.principal import Role
from iot_service.db import Database
from iot_service.links import Link, LinkPurpose, Links, Person
from iot_service.registry.credentials import rotate
from tests.factories import NOW

Headers = dict[str, str]


@dataclass(frozen=True)
class Callers:
    """Makes callers of every kind."""

    database: Database
    links: Links

    def token(self, role: Role) -> Headers:
        """An API token of this role."""
        with self.database.transaction() as connection:
            text, _ = tokens.create(connection, name=f"a {role}", role=role, now=NOW)
        return {"Authorization": f"Bearer {text}"}

    def device(self, device_id: str = "freezer-1") -> Headers:
        """A device with a secret that was just issued."""
        with self.database.transaction() as connection:
            secret = rotate(connection, device_id, reason="a test", actor="operator:1", now=NOW)
        return {"Authorization": f"Bearer {secret}"}

    @property
    def integration(self) -> Headers:
        return self.token(Role.INTEGRATION)

    @property
    def operator(self) -> Headers:
        return self.token(Role.OPERATOR)

    def customer(self, customer_id: str = "anna") -> Headers:
        """A customer's app: the token of her home link."""
        return {"Authorization": f"Bearer {self.link(LinkPurpose.HOME, 0, customer_id)}"}

    def link(
        self, purpose: LinkPurpose, subject_id: int, person_id: str = "anna", person: Person = Person.CUSTOMER
    ) -> str:
        """The token of one link."""
        return self.links.token(Link(person, person_id, purpose, subject_id, NOW + timedelta(days=1)))

    def session(self) -> tuple[Headers, str]:
        """An operator's session: the headers a browser sends from our own pages, and the session's CSRF token."""
        with self.database.transaction() as connection:
            operator_id = add_operator(connection, "ola@example.com", "Ola", "a long enough password", NOW)
            cookie = sessions.begin(connection, operator_id, now=NOW)
            principal = sessions.find(connection, cookie, now=NOW)
        assert principal is not None
        return {"Cookie": f"iot_session={cookie}", "Sec-Fetch-Site": "same-origin"}, principal.csrf_token
