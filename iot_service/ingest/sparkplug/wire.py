"""The wire format of Sparkplug B payloads: protobuf messages, declared here as far as we read them.

Field numbers and types are those of the specification. Texts, and values that we take no part of (data sets, templates,
nested property sets), are declared as bytes, which look the same on the wire: so one broken text spoils no message, and
nothing is ever nested deeper than a property of a metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from iot_service.ingest.jsontext import UnreadableError
from iot_service.ingest.reasons import Reason

_PACKAGE = "iot_service.sparkplug"


class _Field(NamedTuple):
    """One field: its number and its type, which is a scalar or (``message``) another message."""

    number: int
    type: FieldDescriptorProto.Type.ValueType = FieldDescriptorProto.TYPE_BYTES
    message: str = ""
    repeated: bool = False
    is_value: bool = False
    """It is one of the alternatives of the value, of which a message holds one at most."""


_UINT32 = FieldDescriptorProto.TYPE_UINT32
_UINT64 = FieldDescriptorProto.TYPE_UINT64
_BOOL = FieldDescriptorProto.TYPE_BOOL
_MESSAGE = FieldDescriptorProto.TYPE_MESSAGE


def _values(first: int) -> dict[str, _Field]:
    """Return the alternatives that metrics and properties share, numbered from ``first`` on."""
    types = {
        "int_value": _UINT32,
        "long_value": _UINT64,
        "float_value": FieldDescriptorProto.TYPE_FLOAT,
        "double_value": FieldDescriptorProto.TYPE_DOUBLE,
        "boolean_value": _BOOL,
        "string_value": FieldDescriptorProto.TYPE_BYTES,
    }
    return {name: _Field(first + place, kind, is_value=True) for place, (name, kind) in enumerate(types.items())}


_MESSAGES: Mapping[str, Mapping[str, _Field]] = {
    "PropertyValue": {"type": _Field(1, _UINT32), "is_null": _Field(2, _BOOL)}
    | _values(3)
    | {"nested_value": _Field(9, is_value=True), "nested_values": _Field(10, is_value=True)},
    "PropertySet": {
        "keys": _Field(1, repeated=True),
        "values": _Field(2, _MESSAGE, "PropertyValue", repeated=True),
    },
    "Metric": {
        "name": _Field(1),
        "alias": _Field(2, _UINT64),
        "timestamp": _Field(3, _UINT64),
        "datatype": _Field(4, _UINT32),
        "is_historical": _Field(5, _BOOL),
        "is_transient": _Field(6, _BOOL),
        "is_null": _Field(7, _BOOL),
        "properties": _Field(9, _MESSAGE, "PropertySet"),
    }
    | _values(10)
    | {
        "bytes_value": _Field(16, is_value=True),
        "dataset_value": _Field(17, is_value=True),
        "template_value": _Field(18, is_value=True),
        "extension_value": _Field(19, is_value=True),
    },
    "Payload": {
        "timestamp": _Field(1, _UINT64),
        "metrics": _Field(2, _MESSAGE, "Metric", repeated=True),
        "seq": _Field(3, _UINT64),
        "uuid": _Field(4),
        "body": _Field(5),
    },
}


def _declare() -> FileDescriptorProto:
    file = FileDescriptorProto(name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        if any(field.is_value for field in fields.values()):
            declared.oneof_decl.add(name="value")
        for name, field in fields.items():
            label = FieldDescriptorProto.LABEL_REPEATED if field.repeated else FieldDescriptorProto.LABEL_OPTIONAL
            made = declared.field.add(name=name, number=field.number, type=field.type, label=label)
            if field.message:
                made.type_name = f".{_PACKAGE}.{field.message}"
            if field.is_value:
                made.oneof_index = 0
    return file


def _payload_class() -> Any:
    pool = DescriptorPool()
    pool.Add(_declare())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


new_payload = _payload_class()
"""Makes an empty payload. Its fields are those of the specification's schema, texts as UTF-8 bytes."""


def parse_payload(data: bytes) -> Any:
    """Return the payload that ``data`` holds; raises UnreadableError where it is none."""
    payload = new_payload()
    try:
        payload.ParseFromString(data)
    except DecodeError:
        raise UnreadableError(
            Reason.WRONG_SHAPE, f"these {len(data)} bytes are no Sparkplug B payload (protobuf)"
        ) from None
    return payload
