"""The worker process: the visible table of everything that runs by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import timedelta

from iot_service import clock
from iot_service.api import housekeeping
from iot_service.commerce.runner import CommerceRunner
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.dispatch.runner import DispatchRunner
from iot_service.engage.runner import EngageRunner
from iot_service.history.fleet import ComparisonRunner
from iot_service.history.keeper import RetentionRunner
from iot_service.history.retention import without_minutes
from iot_service.history.rollups import RollupRunner
from iot_service.links import Links
from iot_service.metrics.pulse import Pulse
from iot_service.notify.compose import ComposeRunner
from iot_service.notify.message import Channel
from iot_service.notify.runner import SendRunner
from iot_service.notify.transports import Transport
from iot_service.notify.transports.kannel import KannelTransport
from iot_service.notify.transports.outbox import OutboxTransport
from iot_service.notify.transports.smtp import SmtpTransport
from iot_service.rules.runner import RuleRunner
from iot_service.rules.serviced import ServicedRunner
from iot_service.rules.versions.library import RuleLibrary
from iot_service.wiring.broker_files import broker_jobs
from iot_service.wiring.installation import make_links, open_database
from iot_service.wiring.monitoring import monitored
from iot_service.wiring.rule_versions import open_library, open_rule_files
from iot_service.worker import Job, Worker

_NICE = 5  # ingest goes first where they share a machine: what is stored can be judged a moment later
_LINGER = timedelta(milliseconds=50)  # of life, that rules wait for more messages of a device


def transports(settings: Settings) -> Mapping[Channel, Transport]:
    """Return what sends each channel: the gateways that are set, and the outbox folder for the others."""
    outbox = OutboxTransport(
        settings.data_dir / "outbox", mail_sender=settings.mail_from, sms_sender=settings.sms_sender
    )
    sms: Transport = outbox
    if settings.sms_url is not None:
        sms = KannelTransport(
            settings.sms_url,
            username=settings.sms_username,
            password=settings.sms_password.get_secret_value(),
            sender=settings.sms_sender,
        )
    email: Transport = outbox
    if settings.smtp_url is not None:
        email = SmtpTransport(settings.smtp_url.get_secret_value(), sender=settings.mail_from)
    return {Channel.SMS: sms, Channel.EMAIL: email}


def jobs(settings: Settings, database: Database, library: RuleLibrary, links: Links) -> list[Job]:
    """Return the table of jobs."""
    catalog = library.catalog
    rules = RuleRunner(
        database,
        catalog,
        recorded=True,
        lateness=settings.lateness,
        tick_grace=settings.tick_grace,
        backlog_quiet=settings.backlog_quiet,
        linger=clock.during(_LINGER),
    )
    engage = EngageRunner(database, catalog, settings)
    dispatch = DispatchRunner(database)
    commerce = CommerceRunner(database, catalog, fulfilment=settings.fulfilment)
    compose = ComposeRunner(database, catalog=catalog, links=links, mail_from=settings.mail_from)
    rollups = RollupRunner(database, no_minutes=without_minutes(catalog))
    retention = RetentionRunner(
        database, catalog, default=settings.retention, readings_per_day=settings.readings_per_day
    )
    sending = transports(settings)  # each channel by itself: a slow mail server must not hold up an urgent SMS

    def tidy() -> int:
        with database.transaction() as connection:
            housekeeping.tidy(connection, now=clock.now())
        return 0

    return [
        Job("rules", rules.run_once, 0.25, ("touched",), at_once=rules.devices_at_once),
        Job("rule names", library.refresh, 1.0),
        Job("services done", ServicedRunner(database, catalog).run_once, 1.0, ("event",)),
        Job("engage", engage.run_once, 1.0, ("event",)),
        Job("dispatch", dispatch.run_once, 1.0),
        Job("commerce", commerce.run_once, 1.0),
        Job("compose", compose.run_once, 1.0, ("event",)),
        *(
            Job(f"send {channel}", SendRunner(database, {channel: transport}).run_once, 0.5, ("event",))
            for channel, transport in sending.items()
        ),
        Job("rollups", rollups.run_once, 5.0),
        Job("retention", retention.run_once, 3600.0),
        Job("comparisons", ComparisonRunner(database, catalog).run_once, 600.0),
        *broker_jobs(settings, database, catalog),
        Job("tidy", tidy, 3600.0),
    ]


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """Run the worker until ``stop`` is set."""
    os.nice(_NICE)
    files, links = open_rule_files(settings), make_links(settings)
    pulse = Pulse()
    with (
        open_database(settings, application="iot-service worker") as database,
        monitored(settings, "worker", pulse, database),
    ):
        library = open_library(database, files)
        Worker(database, jobs(settings, database, library, links), pulse=pulse).run(stop)
