"""SMS over HTTP by the ``sendsms`` interface of Kannel.

The interface has no idempotency key: a crash after Kannel took a message and before we wrote that down sends the SMS
a second time.
"""

from __future__ import annotations

import httpx

from iot_service.errors import DropError, RetryError
from iot_service.notify.gsm import is_gsm
from iot_service.notify.message import Outgoing

_TIMEOUT = 15.0  # seconds, well within the lease of a delivery
_ACCEPTED, _QUEUED = "0", "3"  # the number that the answer begins with
_OURS_TO_MEND = frozenset({401, 403, 404, 405, 407, 408, 429})
"""Answers that say nothing against the message: password, address or pace are wrong, and can be put right."""


class KannelTransport:
    """``sendsms`` at ``url``, as ``username``; people see ``sender``. Safe to use from several threads."""

    def __init__(self, url: str, *, username: str, password: str, sender: str) -> None:
        self._url = url
        self._fixed = {"username": username, "password": password, "from": sender, "charset": "UTF-8"}
        self._client = httpx.Client(timeout=_TIMEOUT)

    def send(self, message: Outgoing) -> str:
        """Hand over one SMS; return Kannel's message id where its answer has one, else "".

        Raises RetryError when Kannel is away or at fault, or does not know us; DropError when it refuses the message.
        """
        text = message.text.short
        coding = "0" if is_gsm(text) else "2"  # 2 is UCS-2: any letter, but less than half of them in an SMS
        query = {**self._fixed, "to": message.address, "text": text, "coding": coding}
        try:
            response = self._client.get(self._url, params=query)
        except httpx.HTTPError as error:  # its text may hold the query, and with it the password
            raise RetryError(f"the SMS gateway could not be reached ({type(error).__name__})") from None
        return _understand(response.status_code, response.text.strip())

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def _understand(status: int, answer: str) -> str:
    code, _, rest = answer.partition(":")
    if status in {200, 202} and code.strip() in {_ACCEPTED, _QUEUED}:
        return rest.partition(":")[2].strip()
    said = f"the SMS gateway answered {status}: {answer[:200]}"
    if 400 <= status < 500 and status not in _OURS_TO_MEND:
        raise DropError(said)
    raise RetryError(said)
