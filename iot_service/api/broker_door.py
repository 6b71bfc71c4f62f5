"""What every kind of broker asks, answered from the registry."""

from __future__ import annotations

import hmac

from iot_service.db import Connection
from iot_service.engines.topic_rights import NO_RIGHTS, SERVICE_RIGHTS, SERVICE_USER, TopicRights
from iot_service.registry import credentials

_TO_ROUTING_KEY = str.maketrans("./*", "/.+")
_LONGEST = 500


class BrokerDoor:
    """Who may connect and do what, for one question.

    ``devices`` are the rights that every device has; ``service_password`` is the service's own (None: it may not).
    """

    def __init__(self, connection: Connection, *, devices: TopicRights, service_password: str | None) -> None:
        self._connection = connection
        self._devices = devices
        self._service_password = service_password

    def may_connect(self, username: str | None, password: str | None) -> bool:
        """Return whether name and secret are those of a device or gateway that is not disabled, or the service's."""
        if not username or not password or not _plain(username) or not _plain(password):
            return False
        if username == SERVICE_USER:
            expected = self._service_password
            return expected is not None and hmac.compare_digest(password.encode(), expected.encode())
        return credentials.verify_user(self._connection, username, password)

    def rights_of(self, username: str | None) -> TopicRights:
        """Return what the user may do; nothing where he is unknown or disabled."""
        if not username or not _plain(username):
            return NO_RIGHTS
        if username == SERVICE_USER:
            return SERVICE_RIGHTS
        return credentials.rights_of(self._connection, username, self._devices)

    def is_known(self, username: str) -> bool:
        """Return whether there is such a user, who is not disabled."""
        return self.rights_of(username) != NO_RIGHTS

    def may_route(self, username: str, routing_key: str, permission: str) -> bool:
        """Return whether the user may publish (``write``) or subscribe (``read``) to RabbitMQ's form of a topic."""
        topic = routing_key.translate(_TO_ROUTING_KEY)
        rights = self.rights_of(username)
        if permission == "write":
            return rights.may_publish(topic)
        return permission == "read" and rights.may_subscribe(topic)

    def may_use_amqp(self, username: str, kind: str, name: str, permission: str) -> bool:
        """Return whether the user may do that to an exchange or queue: what MQTT needs, and nothing else.

        That is the exchange of topics, and the queues of the client whose id is the user's name.
        """
        if not self.is_known(username):
            return False
        if kind in {"exchange", "topic"}:
            return name == "amq.topic" and permission in {"read", "write"}
        if username == SERVICE_USER:
            return kind == "queue" and name.startswith("mqtt-")
        own = (f"mqtt-subscription-{username}qos0", f"mqtt-subscription-{username}qos1", f"mqtt-will-{username}")
        return kind == "queue" and name in own


def _plain(text: str) -> bool:
    return len(text) <= _LONGEST and "\0" not in text
