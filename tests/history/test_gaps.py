"""What counts as a gap."""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service.history.gaps import Gap, find_gaps
from iot_service.history.series import single
from iot_service.history.spans import HOUR, MINUTE
from tests.factories import NOW
from tests.history.readings import Reading, summed


def at(*minutes: float) -> list[datetime]:
    return [NOW + timedelta(minutes=each) for each in minutes]


def test_without_a_longest_distance_three_times_the_usual_one_is_a_gap() -> None:
    bins = [single(each, 0.0) for each in at(0, 1, 2, 3, 6, 7, 11, 12)]
    assert find_gaps(bins, NOW, NOW + 12 * MINUTE, longest=None) == [Gap(NOW + 7 * MINUTE, NOW + 11 * MINUTE)]


def test_the_longest_distance_that_the_metric_allows_is_no_gap() -> None:
    bins = [single(each, 0.0) for each in at(0, 10, 21)]
    assert find_gaps(bins, NOW, NOW + 21 * MINUTE, longest=10 * MINUTE) == [Gap(NOW + 10 * MINUTE, NOW + 21 * MINUTE)]


def test_a_gap_between_bins_begins_and_ends_with_the_readings_themselves() -> None:
    readings = [Reading(each, 1.0, each) for each in at(0, 10, 20, 30, 200, 210)]
    gaps = find_gaps(summed(readings, HOUR), NOW, NOW + 210 * MINUTE, longest=None)
    assert gaps == [Gap(NOW + 30 * MINUTE, NOW + 200 * MINUTE)]


def test_one_reading_tells_nothing_of_distances() -> None:
    assert find_gaps([single(NOW, 1.0)], NOW - HOUR, NOW + HOUR, longest=None) == []
    assert find_gaps([single(NOW, 1.0)], NOW - HOUR, NOW + HOUR, longest=MINUTE) == [
        Gap(NOW - HOUR, NOW),
        Gap(NOW, NOW + HOUR),
    ]


def test_an_empty_span_has_no_gap() -> None:
    assert find_gaps([], NOW, NOW, longest=None) == []
