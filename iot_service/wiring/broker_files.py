"""Mosquitto's files: who writes them, and how the embedded broker gets its first ones."""

from __future__ import annotations

import os
from pathlib import Path

from iot_service.config import Settings
from iot_service.db import Database
from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS, access_list
from iot_service.engines.reload import reload_broker
from iot_service.engines.topic_rights import DEVICE_RIGHTS, TopicRights
from iot_service.ingest.formats.router import load_formats
from iot_service.products.catalog import Catalog
from iot_service.registry.runner import BrokerFilesRunner, service_line
from iot_service.worker import Job

_POLL = 5.0  # seconds


def device_rights(settings: Settings, catalog: Catalog) -> TopicRights:
    """Return what every device may do at a broker: the contract's topics, and those of the formats that are on.

    Raises StopError for what is wrong with the formats.
    """
    formats = load_formats(settings, catalog)
    return DEVICE_RIGHTS.also_writing(topic for one in formats for topic in one.device_topics)


def broker_jobs(settings: Settings, database: Database, catalog: Catalog) -> list[Job]:
    """Return the job that keeps Mosquitto's files as the registry is, where a folder for them is set."""
    if settings.broker_files_dir is None:
        return []
    runner = BrokerFilesRunner(
        database,
        settings.broker_files_dir,
        lambda: reload_broker(settings.broker_reload),
        devices=device_rights(settings, catalog),
        service_password=settings.mqtt_password.get_secret_value() if settings.mqtt_password else None,
    )
    return [Job("broker files", runner.run_once, _POLL, ("registry",))]


def files_state(folder: Path) -> tuple[bool, str]:
    """Return whether the files for Mosquitto are as they should be, and what was seen or what to do."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False, f"{folder} cannot be written: make it, or name another by IOT_BROKER_FILES_DIR"
    if not (folder / PASSWORDS).exists():
        return False, f"{folder} has no {PASSWORDS} yet: the worker writes it; does it run with IOT_BROKER_FILES_DIR?"
    with (folder / PASSWORDS).open(encoding="utf-8") as lines:
        return True, f"{folder} lets {sum(1 for _ in lines)} users in"


def first_files(service_password: str) -> dict[str, str]:
    """Return the files that a broker starts with which lets only the service in; the worker adds all others."""
    return {PASSWORDS: service_line(None, service_password), ACCESS_LIST: access_list({}, (), DEVICE_RIGHTS)}
