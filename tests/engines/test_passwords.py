from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from iot_service.engines.passwords import hash_secret, is_secret, new_secret


def test_a_secret_is_known_by_its_hash_and_no_other_one_is() -> None:
    secret = new_secret()
    stored = hash_secret(secret)
    assert is_secret(secret, stored)
    assert not is_secret(new_secret(), stored)
    assert not is_secret("", stored)
    assert hash_secret(secret) != stored, "each has a salt of its own"
    assert secret not in stored


def test_no_two_secrets_are_alike_and_each_fits_into_a_header_and_a_topic() -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert all(secret.isascii() and secret.startswith("ds_") and len(secret) == 35 for secret in made)


def test_mosquittos_own_program_writes_what_we_read(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(file), "kim", "a password"], check=True, capture_output=True)
    stored = file.read_text().strip().split(":", 1)[1]
    assert is_secret("a password", stored)
    assert not is_secret("another password", stored)


def test_a_password_that_people_chose_costs_more_to_guess() -> None:
    stored = hash_secret("a password", chosen_by_people=True)
    assert int(stored.split("$")[2]) >= 1000
    assert is_secret("a password", stored)


@pytest.mark.parametrize(
    "stored", ["", "x", "$7$x$y$z", "$7$1$!$!", "$6$1$AAAA$AAAA", "$7$0$AAAA$AAAA", "$7$-1$AA==$AA=="]
)
def test_what_is_no_hash_fits_no_secret(stored: str) -> None:
    assert not is_secret("a password", stored)
