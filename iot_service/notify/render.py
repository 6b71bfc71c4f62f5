"""Templates: one file per language and message, with the blocks ``subject``, ``short`` and ``body``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from iot_service.model.customer import Locale
from iot_service.notify import gsm
from iot_service.notify.message import Text
from iot_service.notify.words import first_sentence

_BLANK_LINES = re.compile(r"\n{3,}")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("iot_service.notify", "templates"),
        autoescape=False,  # noqa: S701  # plain text only: pages escape what they show
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["first_sentence"] = first_sentence
    return environment


_ENVIRONMENT = _environment()


def render(template: str, locale: Locale, facts: Mapping[str, Any]) -> Text:
    """Return the message ``template`` in ``locale``.

    Raises jinja2.TemplateNotFound where there is no such message and jinja2.UndefinedError where ``facts`` lack a word.
    """
    source = _ENVIRONMENT.get_template(f"{locale}/{template}.j2")
    content = _block(source, "body", facts).strip()
    letter = _ENVIRONMENT.get_template(f"{locale}/_letter.j2")
    return Text(
        subject=" ".join(_block(source, "subject", facts).split()),
        short=gsm.plain(" ".join(_block(source, "short", facts).split())),
        body=_BLANK_LINES.sub("\n\n", letter.render(facts, content=content)).strip() + "\n",
    )


def _block(source: Template, name: str, facts: Mapping[str, Any]) -> str:
    return "".join(source.blocks[name](source.new_context(dict(facts))))
