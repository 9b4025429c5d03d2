"""One door under two names: which pairs are offered, which are not, and what a merge leaves."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from geo_service.errors import InvalidInputError
from geo_service.exchange.names import name_score, normal_name, phones_of, stem_of
from geo_service.exchange.twins import LINE, NEAR_M, find_twins, merge_twins
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Place, Service, check_features
from geo_service.store.sqlite import open_sqlite

AT = (116.442, 39.957)


def place(key, name, lon=AT[0], lat=AT[1], layer="station", **facts):
    return Place(key, layer, lon, lat, name, **facts)


def pairs(twins):
    return {tuple(sorted((one.keep.id, one.remove.id))) for one in twins}


# --- names and phones -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("香河园 全时驿站", "香河园全时驿站"),
        ("ＫＦＣ（柳芳店）", "kfc(柳芳店)"),
        ("第十二号站", "第12号站"),
        ("暖蜂驿站·西坝河", "暖蜂驿站 西坝河"),
        ("一百零五号院", "105号院"),
    ],
)
def test_spellings_of_one_name_are_equal(one, other):
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("驿站1号", "驿站2号"), ("柳芳店", "太阳宫店"), ("二十一号站", "十二号站")]
)
def test_different_names_stay_different(one, other):
    assert normal_name(one) != normal_name(other)


def test_a_branch_in_brackets_is_not_the_business():
    assert stem_of("肯德基（柳芳店）") == stem_of("肯德基【太阳宫店】") == "肯德基"
    assert (
        name_score("肯德基（柳芳店）", "肯德基（太阳宫店）")[0] < name_score("肯德基（柳芳店）", "肯德基")[0]
    )


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("010-6400 1234", "+86 10 64001234", True),
        ("0351-4033333", "4033333", True),
        ("13812345678", "+86 138 1234 5678", True),
        ("13812345678", "13912345678", False),
        ("64001234、64005678", "010-64005678", True),
        ("110", "110", False),
    ],
)
def test_phones_are_compared_by_their_numbers(one, other, is_same):
    assert bool(phones_of(one) & phones_of(other)) is is_same


# --- pairs ----------------------------------------------------------------------------------


def test_one_door_with_two_signs_is_found_across_layers():
    station = place("s1", "香河园暖蜂驿站", phone="010-64001234")
    merchant = place("m1", "老王面馆", AT[0] + 1e-5, layer="merchant", phone="64001234")
    (twin,) = find_twins([station, merchant])
    assert pairs([twin]) == {("m1", "s1")}
    assert "same_phone" in twin.evidence


def test_branches_with_different_numbers_are_not_offered():
    assert find_twins([place("a", "暖蜂驿站3号"), place("b", "暖蜂驿站5号", AT[0] + 2e-4)]) == ()


def test_neighbours_with_nothing_in_common_are_not_offered():
    assert find_twins([place("a", "老王面馆"), place("b", "柳芳理发店", AT[0] + 1e-4)]) == ()


def test_an_entrance_near_the_other_pin_counts():
    far = place("a", "香河园站", AT[0] + 2e-3, arrival=AT)
    (twin,) = find_twins([far, place("b", "香河园站")])
    assert twin.apart_m == 0.0


def test_a_shared_external_id_is_a_twin_even_a_shift_away():
    one = place("a", "甲", external_ids={"amap_poiid": "B000A1"})
    other = place("b", "乙", AT[0] + 6e-3, external_ids={"amap_poiid": "B000A1"})
    (twin,) = find_twins([one, other])
    assert (twin.score, twin.evidence) == (1.0, ("same_id",))


def test_ids_of_one_register_that_differ_speak_against_a_pair():
    one = place("a", "公共厕所", layer="toilet", external_ids={"osm": "node/1"})
    other = place("b", "公共厕所", AT[0] + 2e-4, layer="toilet", external_ids={"osm": "node/2"})
    assert find_twins([one, other]) == ()


def test_removed_places_are_no_twins():
    assert find_twins([place("a", "香河园站"), place("b", "香河园站", status="removed")]) == ()


def test_a_list_is_compared_with_the_layer_and_not_with_itself():
    held = [place("a", "香河园站")]
    listed = [place("n1", "香河园站"), place("n2", "香河园站", AT[0] + 1e-4)]
    assert pairs(find_twins(held, listed)) == {("a", "n1"), ("a", "n2")}


def test_planted_twins_are_found_and_every_pair_is_one_that_all_pairs_would_give():
    """The oracle looks at all pairs of 300 places, 40 of them copies of others."""
    rng = np.random.default_rng(7)
    spots = np.column_stack([rng.uniform(116.43, 116.46, 260), rng.uniform(39.945, 39.97, 260)])
    places = [place(f"p{i:03}", f"驿站甲{i}号", *map(float, spot)) for i, spot in enumerate(spots)]
    for i in range(40):
        lon, lat = spots[i] + rng.uniform(-2e-4, 2e-4, 2)
        places.append(place(f"q{i:03}", f"驿站甲 {i} 号", float(lon), float(lat)))
    found = pairs(find_twins(places))
    at = np.array([(one.lon, one.lat) for one in places])
    naive = {
        (one.id, other.id)
        for i, one in enumerate(places)
        for j, other in enumerate(places)
        if i < j
        and normal_name(one.name) == normal_name(other.name)
        and float(distance_m(at[i], at[j])) <= NEAR_M
    }
    assert len(naive) == 40
    assert found == naive


def test_twins_come_best_first_above_the_line():
    twins = find_twins(
        [place("a", "香河园站"), place("b", "香河园站"), place("c", "香河园站（北门）", AT[0] + 2e-4)]
    )
    scores = [one.score for one in twins]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= LINE


@pytest.mark.slow
def test_twenty_thousand_places_are_no_matter_of_all_pairs():
    rng = np.random.default_rng(8)
    lonlat = np.column_stack([rng.uniform(116.2, 116.6, 20_000), rng.uniform(39.8, 40.1, 20_000)]).tolist()
    places = [place(f"p{i}", f"驿站{i}号", lon, lat) for i, (lon, lat) in enumerate(lonlat)]
    assert find_twins(places) == ()  # all pairs would be 200 million


# --- merging --------------------------------------------------------------------------------


def test_values_stand_side_by_side():
    one = place("a", "香河园站", hours="24/7", phone="010-64001234")
    (twin,) = find_twins([one, place("b", "香河园站", hours="08:00-20:00")])
    assert twin.keep.id == "a"
    assert twin.fields["hours"] == ("24/7", "08:00-20:00")
    assert twin.fields["phone"] == ("010-64001234", None)
    assert twin.to_json()["fields"]["hours"] == ["24/7", "08:00-20:00"]


def test_a_merge_takes_what_was_chosen_and_fills_what_was_silent():
    keep = place("a", "甲站", hours="24/7", external_ids={"osm": "node/1"})
    remove = place(
        "b", "乙站", AT[0] + 1e-4, hours="08:00-20:00", phone="010-6400", external_ids={"amap_poiid": "B1"}
    )
    kept, removed = merge_twins(keep, remove, {"name": "remove", "position": "remove"})
    after = kept.after
    assert (after.id, after.name, after.lon, after.hours, after.phone) == (
        "a", "乙站", remove.lon, "24/7", "010-6400",
    )  # fmt: skip
    assert after.external_ids == {"osm": "node/1", "amap_poiid": "B1"}
    assert (removed.after.status, removed.after.status_reason) == ("removed", "merged into station/a")
    assert replace(removed.after, status="active", status_reason=None) == remove


def test_a_merge_across_layers_takes_only_what_the_layer_may_hold():
    station = place("s", "驿站", class_="standard", seats=12, services=(Service("rest"),))
    kept, removed = merge_twins(place("m", "面馆", layer="merchant"), station)
    assert (kept.after.class_, kept.after.services) == (None, (Service("rest"),))
    check_features([kept.after, removed.after])


def test_the_store_takes_both_edits_as_one_change(tmp_path):
    keep, remove = place("a", "甲站"), place("b", "甲站", phone="010-6400")
    now = datetime(2026, 11, 15, tzinfo=SHANGHAI)
    with closing(open_sqlite(tmp_path / "s.sqlite", create=True)) as store:
        store.apply(
            [Edit("station", one.id, None, None, one) for one in (keep, remove)],
            actor="t",
            role="admin",
            source="desk",
            at=now,
        )
        store.apply(list(merge_twins(keep, remove)), actor="t", role="admin", source="desk", at=now)
        assert [(one.id, one.phone) for one in store.layer("station").features if one.status == "active"] == [
            ("a", "010-6400")
        ]


@pytest.mark.parametrize(
    "choices", [{"title": "keep"}, {"name": "other"}, {"status": "remove"}, {"id": "remove"}]
)
def test_choices_that_name_nothing_are_refused(choices):
    with pytest.raises(InvalidInputError, match="is not allowed; name a field of the place"):
        merge_twins(place("a", "甲"), place("b", "乙"), choices)


def test_a_place_is_not_merged_with_itself():
    with pytest.raises(InvalidInputError, match="cannot be merged with itself"):
        merge_twins(place("a", "甲"), place("a", "甲"))
