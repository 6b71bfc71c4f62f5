"""What the pages say, in Norwegian bokmål and in English."""

from __future__ import annotations

from collections.abc import Mapping

from iot_service.model.customer import Locale

TEXTS: Mapping[str, tuple[str, str]] = {
    "page.private": ("Denne lenken er bare for deg.", "This link is for you alone."),
    # notices
    "said.booked": ("Timen er bestilt.", "The appointment is booked."),
    "said.ordered": ("Bestillingen er registrert.", "It is ordered."),
    "said.moved": ("Timen er flyttet.", "The appointment was moved."),
    "said.cancelled": ("Avbestillingen er registrert.", "It is cancelled."),
    "said.accepted": ("Takk, da er det avtalt.", "Thank you, it is agreed."),
    "said.declined": ("Takk for svaret.", "Thank you for your answer."),
    "said.en_route": ("Kunden får vite at du er på vei.", "The customer is told that you are on the way."),
    "said.on_site": ("Registrert: du er på stedet.", "Noted: you are on site."),
    "said.completed": ("Takk, jobben er registrert som utført.", "Thank you, the job is done."),
    "said.read": ("Markert som lest.", "Marked as read."),
    "said.conflict": (
        "Det lot seg ikke gjøre, for noe har endret seg i mellomtiden. Slik står det nå:",
        "That was not possible, because something has changed. This is how it stands now:",
    ),
    "said.unclear": ("Vi forsto ikke hva du ville. Velg en knapp nedenfor.", "Please choose one of the buttons below."),
    # gone and wrong
    "gone.title": ("Lenken virker ikke lenger", "This link no longer works"),
    "gone.text": (
        "Den er utløpt eller ikke hel. Åpne den nyeste meldingen fra oss og bruk lenken der.",
        "It has expired, or is not complete. Open our newest message and use the link in it.",
    ),
    # home
    "home.title": ("Min side", "My page"),
    "home.hello": ("Hei, {name}", "Hello, {name}"),
    "home.waiting": ("Venter på deg", "Waiting for you"),
    "home.calm": ("Alt er i orden. Ingenting venter på deg.", "All is well. Nothing waits for you."),
    "home.appointments": ("Timer", "Appointments"),
    "home.orders": ("Leveranser", "Deliveries"),
    "home.devices": ("Produktene dine", "Your products"),
    "home.messages": ("Meldinger", "Messages"),
    "home.no_messages": ("Ingen meldinger ennå.", "No messages yet."),
    "home.older": ("Eldre meldinger", "Older messages"),
    "home.propose": ("Vi foreslår en av disse tidene:", "We propose one of these times:"),
    "home.choose": ("Ledige tider:", "Free times:"),
    "home.more_times": ("Flere tider", "More times"),
    "home.order": ("Bestill {packs} pk. for {price}", "Order {packs} packs for {price}"),
    "home.noted": ("Vi følger med og tar kontakt.", "We keep an eye on it and will be in touch."),
    "home.no_times": (
        "Vi finner ingen ledig tid akkurat nå. Ring oss, så finner vi en sammen.",
        "There is no free time just now. Call us, and we find one together.",
    ),
    "home.online": ("tilkoblet", "connected"),
    "home.offline": ("ikke tilkoblet", "not connected"),
    "home.unread": ("ulest", "unread"),
    # appointment
    "appointment.title": ("Time på verkstedet", "Workshop appointment"),
    "appointment.where": ("Hvor", "Where"),
    "appointment.device": ("Gjelder", "For"),
    "appointment.price": ("Pris", "Price"),
    "appointment.total": ("{sum} i alt", "{sum} in all"),
    "appointment.other": ("Passer det ikke? Flytt timen med ett trykk:", "Does it not suit you? Move it with one tap:"),
    "appointment.cancel": ("Avbestill timen", "Cancel the appointment"),
    "appointment.cancel_sure": ("Ja, avbestill", "Yes, cancel it"),
    "appointment.booked": ("Bestilt", "Booked"),
    "appointment.completed": ("Utført", "Done"),
    "appointment.cancelled": ("Avbestilt", "Cancelled"),
    # proposal
    "proposal.title": ("Forslag til time", "A proposed time"),
    "proposal.accept": ("Ja takk, bestill", "Yes please, book it"),
    "proposal.decline": ("Nei takk", "No, thank you"),
    "proposal.until": ("Svar innen {when}.", "Answer by {when}."),
    "proposal.open": ("Venter på svaret ditt", "Waiting for your answer"),
    "proposal.accepted": ("Du har takket ja", "You have accepted"),
    "proposal.declined": ("Du har takket nei", "You have declined"),
    "proposal.expired": ("Forslaget er utløpt", "The proposal has expired"),
    "proposal.withdrawn": ("Ikke lenger nødvendig", "No longer needed"),
    # order
    "order.title": ("Påfyll til {device}", "Supplies for {device}"),
    "order.packs": ("{packs} pakker, {quantity} {unit}", "{packs} packs, {quantity} {unit}"),
    "order.pack": ("1 pakke, {quantity} {unit}", "1 pack, {quantity} {unit}"),
    "order.why": ("Hvorfor", "Why"),
    "order.arrives": ("Kommer senest", "Arrives by"),
    "order.until": ("Kan avbestilles til {when}.", "Can be cancelled until {when}."),
    "order.too_late": (
        "Fristen for å avbestille gikk ut {when}. Du kan returnere pakken uåpnet når den er kommet.",
        "It could be cancelled until {when}. You can return it unopened once it has arrived.",
    ),
    "order.cancel": ("Avbestill", "Cancel the order"),
    "order.pending": ("Bestilt, kan avbestilles", "Ordered, can be cancelled"),
    "order.placed": ("Under pakking", "Being packed"),
    "order.shipped": ("Sendt", "On its way"),
    "order.delivered": ("Levert", "Delivered"),
    "order.cancelled": ("Avbestilt", "Cancelled"),
    # message
    "message.open": ("Åpne", "Open"),
    "message.read": ("Marker som lest", "Mark as read"),
    # job
    "job.title": ("Oppdrag", "Job"),
    "job.where": ("Hvor", "Where"),
    "job.map": ("Vis på kart", "Show on a map"),
    "job.navigate": ("Start navigasjon", "Navigate"),
    "job.what": ("Produkt", "Product"),
    "job.fault": ("Behov", "Need"),
    "job.why": ("Målt", "Measured"),
    "job.who": ("Hos", "At"),
    "job.since": ("Siden", "Since"),
    "job.readings": ("Målinger nå", "Readings now"),
    "job.no_readings": ("Ingen målinger mottatt.", "No readings received."),
    "job.accept": ("Jeg tar den", "I take it"),
    "job.decline": ("Jeg kan ikke", "I cannot"),
    "job.give_back": ("Jeg kan ikke likevel", "I cannot after all"),
    "job.en_route": ("Jeg er på vei", "I am on the way"),
    "job.on_site": ("Jeg er på stedet", "I am on site"),
    "job.complete": ("Jobben er utført", "The job is done"),
    "job.answer_by": ("Svar før {when}, ellers spør vi neste.", "Answer before {when}, or we ask the next one."),
    "job.not_yours": ("Denne jobben er ikke lenger din.", "This job is no longer yours."),
    "job.state.planned": ("Ingen har oppdraget", "Nobody has it"),
    "job.state.dispatched": ("Venter på svar", "Waiting for an answer"),
    "job.state.accepted": ("Akseptert", "Accepted"),
    "job.state.en_route": ("På vei", "On the way"),
    "job.state.on_site": ("På stedet", "On site"),
    "job.state.completed": ("Utført", "Done"),
    "job.state.cancelled": ("Avlyst", "Called off"),
    # what things are
    "severity.low": ("lav", "low"),
    "severity.normal": ("normal", "normal"),
    "severity.high": ("viktig", "high"),
    "severity.critical": ("kritisk", "critical"),
    "state.commissioning": ("settes i drift", "being set up"),
    "state.in_service": ("i drift", "in service"),
    "state.out_of_service": ("ute av drift", "out of service"),
    "state.retired": ("utrangert", "retired"),
    # login
    "login.title": ("Logg inn", "Log in"),
    "login.email": ("E-post", "E-mail"),
    "login.password": ("Passord", "Password"),
    "login.submit": ("Logg inn", "Log in"),
    "login.wrong": ("E-post eller passord stemmer ikke.", "The e-mail or the password is not right."),
    "login.slow": (
        "For mange forsøk. Vent noen minutter og prøv igjen.",
        "Too many attempts. Wait a few minutes and try again.",
    ),
    "login.stale": ("Siden var for gammel. Prøv igjen.", "The page was too old. Try again."),
}
"""Each text by its key: Norwegian, English; ``{…}`` are places for values."""

_METRICS: Mapping[str, str] = {
    "ambient": "romtemperatur",
    "battery": "batteri",
    "battery_voltage": "batterispenning",
    "compressor": "kompressor",
    "coolant_temperature": "kjølevæske",
    "distance_to_service": "km til service",
    "door": "dør",
    "engine_speed": "turtall",
    "odometer": "kilometerstand",
    "outside_temperature": "utetemperatur",
    "power": "strøm",
    "setpoint": "ønsket temperatur",
    "speed": "fart",
    "temperature": "temperatur",
    "time_to_service": "dager til service",
}


_SWITCHES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {"door": (("lukket", "closed"), ("åpen", "open"))}
_OFF_ON = (("av", "off"), ("på", "on"))


def say(key: str, locale: Locale, **values: object) -> str:
    """Return the text ``key`` in one language, with ``values`` in its places. Raises KeyError for an unknown key."""
    text = TEXTS[key][0 if locale is Locale.NB else 1]
    return text.format(**values) if values else text


def metric_name(metric: str, locale: Locale) -> str:
    """Return what people call a metric; one without a name of its own is shown by its id, in words."""
    words = metric.replace("_", " ")
    return _METRICS.get(metric, words) if locale is Locale.NB else words


def switch_name(metric: str, locale: Locale, *, on: bool) -> str:
    """Return what people call the two values of a metric that is either 0 or 1."""
    words = _SWITCHES.get(metric, _OFF_ON)[1 if on else 0]
    return words[0 if locale is Locale.NB else 1]


def preferred(accept_language: str) -> Locale:
    """Return the language that a browser asks for (``Accept-Language``), where we do not know who is reading."""
    first = accept_language.split(",", maxsplit=1)[0].strip().lower()
    return Locale.NB if first.split("-")[0] in {"nb", "no", "nn"} else Locale.EN
