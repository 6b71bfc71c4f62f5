from __future__ import annotations

import base64

import pytest

from iot_service.api.device_caller import credential_of


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer s", "s"), ("bearer  s ", "s"), (basic("freezer-1:s"), "s"), (basic("freezer-1:s:t"), "s:t"),
        (basic("freezer-2:s"), None), (basic("freezer-1"), ""), ("Basic !", None), ("Basic //79", None),
        ("Bearer ", None), ("", None), ("Digest s", None), ("Bearer " + "x" * 2000, None),
    ],
)  # fmt: skip
def test_a_device_shows_its_secret_as_bearer_or_with_its_own_name(header: str, secret: str | None) -> None:
    assert credential_of(header, "freezer-1") == secret
