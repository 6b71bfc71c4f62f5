"""TLS towards a broker."""

from __future__ import annotations

import ssl
from pathlib import Path

from iot_service.errors import StopError


def client_context(ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """Return how to connect to a broker by TLS (1.2 or later), its certificate and name being checked always.

    ``ca_file`` (PEM) is whom to trust, instead of those whom this machine trusts; with ``certificate_file`` (PEM, with
    its chain) and ``key_file`` (PEM, None: in the same file) we show a certificate of our own. Raises StopError that
    names the setting whose file does not do.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise StopError(f"IOT_MQTT_CA_FILE={ca_file}: {_words(error)}; name a file of certificates (PEM)") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate_file is not None:
        try:
            context.load_cert_chain(certificate_file, key_file)
        except (OSError, ssl.SSLError) as error:
            raise StopError(
                f"IOT_MQTT_CERTIFICATE_FILE={certificate_file}: {_words(error)}; "
                "name a certificate and (by IOT_MQTT_KEY_FILE) the key that belongs to it (both PEM)"
            ) from None
    elif key_file is not None:
        raise StopError(f"IOT_MQTT_KEY_FILE={key_file}: a key alone does nothing; set IOT_MQTT_CERTIFICATE_FILE too")
    return context


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
