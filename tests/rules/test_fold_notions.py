"""Levels, what holds needs back, changes and time held, as the fold judges them."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from iot_service.model.device import ServiceState
from iot_service.model.need import Severity
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import MAINTENANCE
from iot_service.rules.context import DeviceContext
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.lifecycle import Phase
from iot_service.rules.outcomes import OutcomeKind
from iot_service.rules.state import DeviceState, to_json
from iot_service.rules.whereabouts import product_areas
from iot_service.rules.windows import Window, Windows
from tests.rules.telemetry import START, compiled, event, happened, new_fold, reading, rule, series

MINUTE = timedelta(minutes=1)


def folded(*rules: RuleSpec, **metrics: str) -> DeviceFold:
    fold = new_fold(compiled("freezer", rules))
    fold.advance(series(**metrics))
    return fold


def severities(fold: DeviceFold) -> list[tuple[float, str, Severity | None]]:
    return [((o.at - START) / MINUTE, o.kind.value, o.severity) for o in fold.outcomes]


LEVELS = [
    {"severity": "critical", "when": "temperature > -50", "clear": "temperature < -55"},
    {"severity": "high", "for": "3m"},
]


def test_a_need_becomes_worse_and_better_by_its_worst_level() -> None:
    fold = folded(rule(severity="low", levels=LEVELS), temperature="-70 -59 -59 -59 -59 -45 -52 -57 -65")
    assert severities(fold) == [
        (1, "opened", Severity.LOW),
        (4, "severity", Severity.HIGH),
        (5, "severity", Severity.CRITICAL),
        (7, "severity", Severity.HIGH),
        (8, "severity", Severity.LOW),
        (8, "resolved", Severity.LOW),
    ]
    assert "high now, temperature > -60 holds for 3 min" in fold.outcomes[1].reason
    assert "high again, temperature < -55 holds" in fold.outcomes[3].reason


def test_a_need_opens_as_bad_as_it_is() -> None:
    fold = folded(rule(severity="low", levels=LEVELS), temperature="-70 -40")
    assert severities(fold) == [(1, "opened", Severity.CRITICAL)]


def test_an_open_need_holds_those_back_that_it_inhibits_until_it_is_over() -> None:
    cause = rule("cause", when="power < 0.5", inhibits=["effect"])
    effect = rule("effect", when="temperature > -60")
    fold = folded(effect, cause, power="1 0 0 1 1", temperature="-70 -70 -50 -50 -70")
    assert happened(fold) == [
        ("opened", "cause", 1),
        ("held_back", "effect", 2),
        ("resolved", "cause", 3),
        ("opened", "effect", 3),
        ("resolved", "effect", 4),
    ]
    assert fold.outcomes[1].held_by == "cause"


def test_cause_and_effect_at_the_same_instant_are_one_need() -> None:
    cause = rule("cause", when="power < 0.5", inhibits=["effect"])
    effect = rule("effect", when="temperature > -60")
    fold = folded(effect, cause, power="0 1", temperature="-50 -70")
    assert happened(fold) == [("opened", "cause", 0), ("held_back", "effect", 0), ("resolved", "cause", 1)]


def test_maintenance_holds_back_and_says_so_but_not_what_is_to_be_judged_then() -> None:
    muted, judged = rule("muted"), rule("judged", in_maintenance="judge")
    fold = new_fold(compiled("freezer", [muted, judged]))
    edges = [FactChange(START, MAINTENANCE, 1.0), FactChange(START + 5 * MINUTE, MAINTENANCE, 0.0)]
    fold.advance(series(temperature="-70 -50x9"), edges)
    assert happened(fold) == [("held_back", "muted", 1), ("opened", "judged", 1), ("opened", "muted", 5)]
    assert fold.outcomes[0].held_by == MAINTENANCE
    assert fold.state.rules["muted"].phase is Phase.OPEN


def test_what_is_over_before_maintenance_ends_never_opens() -> None:
    fold = new_fold(compiled("freezer", [rule()]))
    edges = [FactChange(START, MAINTENANCE, 1.0), FactChange(START + 5 * MINUTE, MAINTENANCE, 0.0)]
    fold.advance(series(temperature="-70 -50 -70x9"), edges)
    assert [o.kind for o in fold.outcomes] == [OutcomeKind.HELD_BACK]


def test_a_change_lasts_an_instant_and_the_value_before_it_stays() -> None:
    opened = rule("opened", when="changed(door) && door > previous(door)", keep_for="2m")
    fold = folded(opened, rule("since", when="previous(door) == 0 && door == 1"), door="0 0 1 1 1 0")
    assert happened(fold) == [
        ("opened", "opened", 2),
        ("opened", "since", 2),
        ("resolved", "opened", 4),
        ("resolved", "since", 5),
    ]
    assert fold.outcomes[0].evidence["previous(door)"]["value"] == 0.0


def test_the_change_of_a_text_is_one_too() -> None:
    car = compiled("car", [rule(when="changed(trouble_codes) && size(trouble_codes) > 0", keep_for="1m")])
    fold = new_fold(car)

    def codes(minute: int, *values: str) -> Sample:
        at = START + minute * MINUTE
        return Sample(SampleKind.ATTRIBUTE, "trouble_codes", at, at, values)

    fold.advance([codes(0, "P1"), codes(1, "P1"), codes(2, "P2")], quiet_until=START + 5 * MINUTE)
    assert happened(fold) == [("opened", "warm", 2), ("resolved", "warm", 3)]


def test_events_repeat_within_a_time_and_no_longer() -> None:
    fold = new_fold(compiled("freezer", [rule(when="'alarm' in events", repeat="2 times within 10m")]))
    fold.advance([event("alarm", START + minute * MINUTE) for minute in (0, 12, 20)], quiet_until=START + 60 * MINUTE)
    assert happened(fold) == [("opened", "warm", 20), ("resolved", "warm", 22)]
    assert "came true 2 times within 10 min" in fold.outcomes[0].reason


def test_out_of_service_nothing_holds_though_it_asks_for_what_is_not_known() -> None:
    product = compiled("freezer", [rule(let={"silent": "total_time(!known(ambient))"}, when="silent > 60")])
    fold = new_fold(product, service_state=ServiceState.OUT_OF_SERVICE)
    fold.advance(series(ambient="20 _x50 20"), quiet_until=START + 100 * MINUTE)
    assert to_json(fold.state)["tracks"]["warm.silent"][2] == []


def test_what_comes_every_four_years_is_not_missed() -> None:
    fold = new_fold(compiled("freezer", [rule(when="band > 0", during={"season": "02-29..02-29"})]))
    fold.advance([reading("door", START, 1.0)], quiet_until=START + timedelta(days=1000))
    assert [outcome.at.isoformat() for outcome in fold.outcomes] == [
        "2028-02-29T00:00:00+00:00",
        "2028-03-01T00:00:00+00:00",
    ]


def test_time_held_grows_while_nothing_comes_but_not_out_of_service() -> None:
    product = compiled("freezer", [rule(let={"minutes": "total_time(setpoint > 0, 1m)"}, when="minutes >= 90")])
    fold = new_fold(product)
    fold.advance([reading("setpoint", START, 5.0)], quiet_until=START + 40 * MINUTE)
    for state, since, until in (
        (ServiceState.OUT_OF_SERVICE, 40, 60),
        (ServiceState.IN_SERVICE, 60, 109),
    ):
        kept = fold.state
        kept.service_state, kept.recheck_at = state, START + since * MINUTE
        fold = new_fold(product, state=kept)
        fold.advance([], quiet_until=START + until * MINUTE)
        assert fold.outcomes == []
    fold.advance([], quiet_until=START + 112 * MINUTE)
    assert [(kind, 110 <= minute <= 112) for kind, _, minute in happened(fold)] == [("opened", True)]


def test_without_consent_a_position_is_not_looked_at_and_what_was_remembered_is_gone() -> None:
    rules = [
        rule(let={"there": "inside(mountains)", "often": "visits(mountains, 4w)"}, when="there == 1 && often > 0"),
        rule("north", when="latitude > 60"),
    ]
    car = compiled("car", rules)
    agreed = DeviceContext(zone=ZoneInfo("Europe/Oslo"), areas=product_areas(car.model), location=True)
    state = DeviceState(ServiceState.IN_SERVICE)
    samples = [reading("latitude", START, 61.15), reading("longitude", START, 10.7)]
    fold = DeviceFold(car, state, Windows(Window(key) for key in car.windows), {}, agreed)
    fold.advance(samples)
    assert [o.rule for o in fold.outcomes] == ["warm", "north"]
    assert len(to_json(state)["tracks"]["warm.often"]) == 1
    revoked = DeviceFold(car, state, Windows(Window(key) for key in car.windows), {}, DeviceContext())
    later = [reading("latitude", START + MINUTE, 61.15), reading("longitude", START + MINUTE, 10.7)]
    revoked.advance(later)
    assert "latitude" not in state.readings
    assert to_json(state)["tracks"]["warm.often"] == []
    assert revoked.outcomes == []
