"""The desk's questions: what is due, what a standard asks, how vendors list, and who may do what."""

import random
from datetime import date, timedelta

import pytest

from geo_service.desk.listing import report_listing
from geo_service.desk.rota import confirm_check, due_checks, kinds_of
from geo_service.desk.standards import find_standard, judge, parse_standard, standards
from geo_service.errors import InvalidInputError
from geo_service.layers import Checked, Listing, Place, Provenance, Service

DAY = date(2026, 11, 18)
AGES = {"existence": 180, "hours": 60, "services": 120, "access": 120, "cabinet": 1}


def a_place(place_id="p1", layer="station", checked=(), **fields):
    provenance = Provenance(
        "desk", "", {kind: Checked(DAY - timedelta(days=days), "editor") for kind, days in checked}
    )
    return Place(place_id, layer, 116.4, 39.9, "驿站", provenance=provenance, **fields)


def test_what_is_due_comes_stalest_first():
    hours_old = a_place("a", checked=(("existence", 10), ("hours", 90)))
    cabinet_old = a_place("b", "swap", checked=(("existence", 10), ("hours", 10), ("cabinet", 3)))
    never = a_place("c", checked=(("existence", 10),))
    due = due_checks([hours_old, cabinet_old, never], AGES, DAY)
    assert [(one.place.id, one.kind) for one in due] == [("c", "hours"), ("b", "cabinet"), ("a", "hours")]
    assert due[0].checked_on is None


def test_a_fact_is_due_on_the_day_it_reaches_its_limit_and_not_before():
    fresh = a_place(checked=(("existence", 1), ("hours", 59)))
    due = a_place(checked=(("existence", 1), ("hours", 60)))
    assert due_checks([fresh], AGES, DAY) == ()
    assert [one.kind for one in due_checks([due], AGES, DAY)] == ["hours"]


def test_places_out_of_use_are_not_asked_about():
    assert due_checks([a_place(status="removed"), a_place("p2", status="paused")], AGES, DAY) == ()


def test_kinds_without_a_limit_never_are_due():
    assert due_checks([a_place()], {"cabinet": 1}, DAY) == ()


def test_confirming_dates_the_check_and_takes_it_off_the_rota():
    place = a_place(services=(Service("hot_water"),))
    random.seed(5)
    for kind in random.sample(kinds_of(place), k=len(kinds_of(place))):
        before = {one.kind for one in due_checks([place], AGES, DAY)}
        edit = confirm_check(place, kind, role="verifier", on=DAY, base_version=4)
        assert edit.before == place
        place = edit.after
        assert before - {one.kind for one in due_checks([place], AGES, DAY)} == {kind}
    assert place.provenance.checked["hours"] == Checked(DAY, "verifier")


def test_only_kinds_of_fact_can_be_confirmed():
    with pytest.raises(InvalidInputError, match=r"kind='colour' is not checked; allowed: existence"):
        confirm_check(a_place(), "colour", role="verifier", on=DAY, base_version=1)


def test_a_station_lacks_what_its_list_of_services_leaves_out():
    station = a_place(services=(Service("hot_water"), Service("microwave")), seats=6)
    (judged,) = judge(find_standard("union-2023"), [station])
    assert judged.ids("met") == ("water", "microwave", "seats")
    assert judged.ids("lacking") == ("sockets", "medicine")


def test_nothing_is_claimed_of_what_nobody_wrote_down():
    (judged,) = judge(find_standard("union-2023"), [a_place()])
    assert judged.ids("lacking") == ()
    assert set(judged.ids("unknown")) == {"water", "microwave", "seats", "sockets", "medicine"}


def test_the_least_area_concerns_standard_stations_only():
    standard = a_place("a", class_="standard", area_m2=4.5)
    micro = a_place("b", class_="micro", area_m2=4.5)
    first, second = judge(find_standard("union-2023"), [standard, micro])
    assert first.verdicts["area"] == "lacking"
    assert "area" not in second.verdicts


def test_other_layers_are_not_judged_by_the_standard_of_stations():
    assert judge(find_standard("eight-haves"), [a_place(layer="merchant")]) == ()


def test_findable_means_that_some_vendor_shows_the_station():
    shown = a_place("a", listing=(Listing("amap", "listed"), Listing("baidu", "not_listed")))
    absent = a_place("b", listing=(Listing("amap", "not_listed"),))
    judged = judge(find_standard("eight-haves"), [shown, absent, a_place("c")])
    assert [one.verdicts["findable"] for one in judged] == ["met", "lacking", "unknown"]


def test_every_rule_that_ships_names_its_trust_and_its_two_languages():
    for standard in standards().values():
        assert standard.source
        assert standard.rules
        for rule in standard.rules:
            assert rule.trust in ("news", "repost", "abstract")
            assert rule.zh
            assert rule.en


def test_an_unknown_standard_is_refused_with_those_there_are():
    with pytest.raises(InvalidInputError, match="there are eight-haves, union-2023"):
        find_standard("nine-haves")


@pytest.mark.parametrize(
    "text",
    [
        "[standard",
        "rules = []",
        '[standard]\nid="x"\nzh="x"\nen="x"\nsource="x"\ntrust="news"\nlayers=["station"]\n'
        '[[rules]]\nid="a"\nzh="a"\nen="a"\ntrust="news"\n',
    ],
)
def test_a_broken_standard_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"not a standard|needs exactly one"):
        parse_standard(text)


def test_vendors_are_counted_by_what_was_noted_last():
    places = [
        a_place(
            "a",
            listing=(Listing("amap", "not_listed", DAY - timedelta(days=30)), Listing("amap", "listed", DAY)),
        ),
        a_place("b", listing=(Listing("amap", "wrong_position", DAY - timedelta(days=9)),)),
        a_place("c", listing=(Listing("baidu", "not_listed"),)),
        a_place("d"),
    ]
    amap, baidu = report_listing(places)
    assert (amap.n_places, amap.n_shown, amap.n_wrong, amap.n_absent, amap.n_unknown) == (4, 1, 1, 0, 2)
    assert (amap.oldest_check, amap.newest_check, amap.shown_share) == (DAY - timedelta(days=9), DAY, 0.5)
    assert (baidu.n_absent, baidu.oldest_check, baidu.shown_share) == (1, None, 0.0)
