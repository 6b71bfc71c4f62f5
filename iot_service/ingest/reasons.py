"""Why something that a device sent could not be stored as what it was meant to be."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The reason of a dead letter."""

    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    DEVICE_DISABLED = "device_disabled"
    UNKNOWN_PRODUCT = "unknown_product"
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_METRIC = "unknown_metric"
    WRONG_TYPE = "wrong_type"
    WRONG_UNIT = "wrong_unit"
    OUT_OF_RANGE = "out_of_range"
    BAD_QUALITY = "bad_quality"
    NOT_FINITE = "not_finite"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    RETAINED_WITHOUT_TIME = "retained_without_time"
    TOO_LARGE = "too_large"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Fault(NamedTuple):
    """What is wrong with a message, or with one part of it.

    ``detail`` is a sentence for people that names the field and what would be right. ``part`` is the JSON value that
    stands for the bad part alone, in the shape of a whole message, so that it can be sent again after a fix; None
    means the whole message.
    """

    reason: Reason
    detail: str
    part: object = None
