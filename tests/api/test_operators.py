"""How passwords of operators are kept."""

from __future__ import annotations

from argon2 import PasswordHasher


def test_a_stolen_password_hash_costs_what_rfc_9106_recommends_to_try(service_hasher: PasswordHasher) -> None:
    assert service_hasher.hash("correct horse battery").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
