"""The rule tables: tags in, modes and speeds out."""

import pytest

from geo_service.errors import InvalidInputError
from geo_service.network.profiles import (
    PROFILES,
    RIDE_KPH,
    WALK_KPH,
    judge_node,
    judge_way,
    parse_access,
    resolve_profiles,
)
from geo_service.network.raw import words

LETTERS = "rpw"


def modes(profile: str, tags: dict[str, str]) -> str:
    """Two letters, along and against: r(ide), p(ush), w(alk), - for no way through."""
    rule = judge_way(PROFILES[profile], tags)
    return "".join("-" if travel is None else LETTERS[travel.mode] for travel in rule)


def tags_of(text: str) -> dict[str, str]:
    return dict(item.split("=", 1) for item in text.split())


WAYS = [
    # classes
    *[
        (f"highway={c}", "ww", "rr")
        for c in sorted(words("trunk primary secondary tertiary unclassified residential"))
    ],
    *[(f"highway={c}_link", "ww", "rr") for c in sorted(words("trunk primary secondary tertiary"))],
    *[(f"highway={c}", "ww", "rr") for c in sorted(words("living_street service road cycleway path track"))],
    *[(f"highway={c}", "ww", "pp") for c in sorted(words("footway pedestrian bridleway steps elevator"))],
    *[(f"highway={c}", "ww", "--") for c in sorted(words("platform corridor"))],
    *[
        (f"highway={c}", "--", "--")
        for c in sorted(words("motorway motorway_link proposed construction razed raceway"))
    ],
    *[
        (f"highway={c}", "--", "--")
        for c in sorted(words("abandoned bus_guideway via_ferrata escape services rest_area no"))
    ],
    ("highway=busway", "--", "--"),
    ("highway=busway bicycle=yes", "--", "rr"),
    ("route=ferry foot=yes bicycle=yes", "--", "--"),
    ("barrier=wall foot=yes", "--", "--"),
    ("railway=platform", "--", "--"),
    ("highway=motorway bicycle=yes foot=yes", "--", "--"),
    ("highway=residential disused=yes", "--", "--"),
    # motor roads
    ("highway=trunk motorroad=yes", "--", "--"),
    ("highway=trunk expressway=yes", "--", "--"),
    ("highway=trunk motorroad=yes access=yes", "--", "--"),
    ("highway=trunk motorroad=yes bicycle=yes", "--", "rr"),
    ("highway=trunk motorroad=yes foot=yes", "ww", "pp"),
    ("highway=trunk motorroad=no", "ww", "rr"),
    # every value of access the wiki lists
    *[
        (f"highway=service access={v}", "ww", "rr")
        for v in sorted(
            words("yes permissive designated official destination customers delivery discouraged")
        )
    ],
    *[
        (f"highway=service access={v}", "--", "--")
        for v in sorted(words("no private permit agricultural forestry military emergency residents staff"))
    ],
    *[(f"highway=service access={v}", "ww", "rr") for v in sorted(words("unknown variable nonsense"))],
    *[
        (f"highway=service bicycle={v}", "ww", "rr")
        for v in sorted(words("yes permissive designated destination customers"))
    ],
    *[
        (f"highway=service bicycle={v}", "ww", "pp")
        for v in sorted(words("no private permit dismount use_sidepath"))
    ],
    *[(f"highway=service foot={v}", "--", "rr") for v in sorted(words("no private permit use_sidepath"))],
    ("highway=service access=agricultural;forestry", "--", "--"),
    ("highway=service access=private;customers", "ww", "rr"),
    # hierarchy: the most specific key wins
    ("highway=service access=no bicycle=yes", "--", "rr"),
    ("highway=service access=no foot=yes", "ww", "pp"),
    ("highway=service access=private vehicle=destination", "--", "rr"),
    ("highway=service vehicle=no", "ww", "pp"),
    ("highway=service vehicle=no bicycle=yes", "ww", "rr"),
    ("highway=service bicycle=yes electric_bicycle=no", "ww", "pp"),
    ("highway=service bicycle=no electric_bicycle=yes", "ww", "rr"),
    ("highway=service motor_vehicle=no", "ww", "rr"),
    ("highway=service access=yes vehicle=private", "ww", "pp"),
    ("highway=service access=no bicycle=dismount", "--", "pp"),
    ("highway=service foot=no bicycle=dismount", "--", "--"),
    ("highway=service foot=no bicycle=no", "--", "--"),
    # permission opens what is closed by default, a general "yes" does not
    ("highway=footway bicycle=yes", "ww", "rr"),
    ("highway=pedestrian bicycle=designated", "ww", "rr"),
    ("highway=footway electric_bicycle=yes", "ww", "rr"),
    ("highway=footway access=yes", "ww", "pp"),
    ("highway=footway vehicle=yes", "ww", "rr"),
    ("highway=footway bicycle=no", "ww", "pp"),
    ("highway=footway foot=private", "--", "--"),
    ("highway=cycleway foot=no", "--", "rr"),
    ("highway=path bicycle=no", "ww", "pp"),
    ("highway=steps bicycle=yes", "ww", "pp"),
    ("highway=platform bicycle=yes", "ww", "rr"),
    ("highway=footway indoor=yes", "ww", "--"),
    ("highway=footway indoor=yes bicycle=yes", "ww", "rr"),
    # one-way streets bind who rides
    ("highway=primary oneway=yes", "ww", "rp"),
    ("highway=primary oneway=1", "ww", "rp"),
    ("highway=primary oneway=true", "ww", "rp"),
    ("highway=primary oneway=-1", "ww", "pr"),
    ("highway=primary oneway=reverse", "ww", "pr"),
    ("highway=primary oneway=no", "ww", "rr"),
    ("highway=primary oneway=alternating", "ww", "rr"),
    ("highway=primary oneway=reversible", "ww", "pp"),
    ("highway=primary oneway=yes foot=no", "--", "r-"),
    ("highway=primary oneway=yes oneway:bicycle=no", "ww", "rr"),
    ("highway=primary oneway=no oneway:bicycle=yes", "ww", "rp"),
    ("highway=primary oneway:bicycle=-1", "ww", "pr"),
    ("highway=primary oneway=yes oneway:bicycle=no oneway:electric_bicycle=yes", "ww", "rp"),
    ("highway=primary junction=roundabout", "ww", "rp"),
    ("highway=primary junction=circular", "ww", "rp"),
    ("highway=primary junction=roundabout oneway=no", "ww", "rr"),
    ("highway=primary junction=roundabout oneway=-1", "ww", "pr"),
    # contraflow
    *[(f"highway=primary oneway=yes cycleway=opposite{s}", "ww", "rr") for s in ("", "_lane", "_track")],
    ("highway=primary oneway=-1 cycleway=opposite_lane", "ww", "rr"),
    ("highway=primary oneway=yes cycleway:left=opposite_lane", "ww", "rr"),
    ("highway=primary oneway=yes cycleway=lane", "ww", "rp"),
    ("highway=primary oneway=yes cycleway:left=lane cycleway:left:oneway=-1", "ww", "rr"),
    ("highway=primary oneway=yes cycleway:right=track cycleway:right:oneway=no", "ww", "rr"),
    ("highway=primary oneway=yes cycleway:left=no cycleway:left:oneway=no", "ww", "rp"),
    ("highway=primary oneway=-1 cycleway:left=lane cycleway:left:oneway=-1", "ww", "pr"),
    # each direction on its own
    ("highway=service bicycle:forward=no", "ww", "pr"),
    ("highway=service bicycle:backward=no", "ww", "rp"),
    ("highway=service vehicle:backward=no", "ww", "rp"),
    ("highway=service access:forward=no", "-w", "-r"),
    ("highway=service oneway=yes bicycle:backward=yes", "ww", "rr"),
    ("highway=service bicycle=no bicycle:forward=yes", "ww", "rp"),
    ("highway=footway foot:backward=no", "w-", "p-"),
    ("highway=footway oneway:foot=yes", "w-", "p-"),
    ("highway=footway oneway:foot=-1", "-w", "-p"),
    ("highway=footway oneway=yes", "ww", "pp"),
    ("highway=steps conveying=forward", "w-", "--"),
    ("highway=steps conveying=backward", "-w", "--"),
    ("highway=steps conveying=yes", "ww", "--"),
]


@pytest.mark.parametrize(("text", "walk", "ebike"), WAYS, ids=[row[0] for row in WAYS])
def test_tags_decide_how_a_way_is_used(text, walk, ebike):
    assert (modes("walk", tags_of(text)), modes("ebike", tags_of(text))) == (walk, ebike)


SPEEDS = [
    ("highway=primary", 20.0),
    ("highway=cycleway", 20.0),
    ("highway=living_street", 12.0),
    ("highway=service", 14.0),
    ("highway=service service=parking_aisle", 10.0),
    ("highway=primary maxspeed=15", 15.0),
    ("highway=primary maxspeed=60", 20.0),
    ("highway=primary maxspeed=none", 20.0),
    ("highway=primary surface=cobblestone", 12.0),
    ("highway=primary surface=asphalt smoothness=very_bad", 8.0),
    ("highway=footway", 4.0),
    ("highway=footway bicycle=yes", 10.0),
    ("highway=steps", 1.0),
    ("highway=steps ramp:bicycle=yes", 2.5),
    ("highway=steps ramp=no", 1.0),
]


@pytest.mark.parametrize(("text", "kph"), SPEEDS, ids=[row[0] for row in SPEEDS])
def test_tags_decide_how_fast_an_ebike_is(text, kph):
    assert judge_way(PROFILES["ebike"], tags_of(text)).forward.kph == kph


def test_no_class_is_ridden_faster_than_the_law_allows():
    assert all(
        judge_way(PROFILES["ebike"], {"highway": c, "bicycle": "yes"}).forward.kph <= 25 for c in RIDE_KPH
    )


def test_pushing_is_never_faster_than_walking():
    for highway in WALK_KPH:
        pushed = judge_way(PROFILES["ebike"], {"highway": highway, "bicycle": "no"}).forward
        walked = judge_way(PROFILES["walk"], {"highway": highway}).forward
        assert pushed is None or pushed.kph <= walked.kph


def test_a_walker_takes_stairs_at_half_speed():
    assert judge_way(PROFILES["walk"], {"highway": "steps"}).forward.kph == 2.4


# "walk ebike" in seconds, x where there is no way through
NODES = [
    ("barrier=gate", "5 8"),
    ("barrier=gate access=yes", "5 8"),
    ("barrier=gate access=customers", "5 8"),
    ("barrier=gate access=private", "x x"),
    ("barrier=gate access=no", "x x"),
    ("barrier=gate locked=yes", "x x"),
    ("barrier=gate locked=no", "5 8"),
    ("barrier=gate access=private foot=yes", "5 8"),
    ("barrier=gate access=private bicycle=yes", "x 8"),
    ("barrier=gate bicycle=no", "5 8"),
    ("barrier=gate foot=no", "x x"),
    ("barrier=gate foot=no bicycle=yes", "x 8"),
    ("barrier=gate motor_vehicle=no", "5 8"),
    ("barrier=gate bicycle=yes electric_bicycle=no foot=no", "x x"),
    ("barrier=bollard", "0 2"),
    ("barrier=lift_gate", "0 4"),
    ("barrier=swing_gate", "2 5"),
    ("barrier=cycle_barrier", "2 10"),
    ("barrier=kissing_gate", "6 x"),
    ("barrier=kissing_gate bicycle=yes", "6 5"),
    ("barrier=stile", "8 x"),
    ("barrier=turnstile", "5 x"),
    ("barrier=full-height_turnstile", "5 x"),
    ("barrier=entrance", "0 0"),
    ("barrier=kerb", "0 0"),
    ("barrier=something_new", "3 5"),
    ("barrier=wall", "x x"),
    ("barrier=fence", "x x"),
    ("barrier=fence foot=yes", "0 x"),
    ("barrier=wall entrance=yes", "0 0"),
    ("highway=traffic_signals", "12 15"),
    ("highway=crossing", "0 0"),
    ("highway=crossing crossing=traffic_signals", "12 5"),
    ("highway=crossing crossing:signals=yes", "12 5"),
    ("highway=traffic_signals;crossing", "12 15"),
    ("highway=elevator", "40 60"),
    ("railway=level_crossing", "10 10"),
    ("highway=traffic_signals barrier=gate", "17 23"),
    # access on its own closes a node; on a shop or a crossing it speaks of something else
    ("access=no", "x x"),
    ("bicycle=no", "0 0"),
    ("access=private foot=yes", "0 0"),
    ("amenity=parking access=private", "0 0"),
    ("highway=crossing bicycle=no foot=no", "0 0"),
]


@pytest.mark.parametrize(("text", "seconds"), NODES, ids=[row[0] for row in NODES])
def test_tags_decide_what_a_node_costs(text, seconds):
    rules = [judge_node(PROFILES[name], tags_of(text)) for name in ("walk", "ebike")]
    found = [f"{rule.forward_ms / 1000:g}" if rule.is_open else "x" for rule in rules]
    assert " ".join(found) == seconds


def test_a_signal_facing_forward_costs_nothing_on_the_way_back():
    rule = judge_node(
        PROFILES["ebike"], {"highway": "traffic_signals", "traffic_signals:direction": "forward"}
    )
    assert (rule.forward_ms, rule.backward_ms) == (15000, 0)


def test_of_a_list_one_permission_is_enough():
    assert parse_access("no;customers") is True


# --- a district's changes ----------------------------------------------------------------------


def test_a_district_may_change_single_entries():
    (ebike,) = resolve_profiles(["ebike"], {"ebike": {"speed_kph": {"service": 6}, "delay_s": {"gate": 30}}})
    assert judge_way(ebike, {"highway": "service"}).forward.kph == 6
    assert judge_node(ebike, {"barrier": "gate"}).forward_ms == 30_000


def test_a_speed_of_zero_closes_a_class_to_riding():
    (ebike,) = resolve_profiles(["ebike"], {"ebike": {"speed_kph": {"trunk": 0}}})
    assert judge_way(ebike, {"highway": "trunk"}).forward.kph == ebike.push_kph


def test_changes_leave_the_table_of_the_house_alone():
    resolve_profiles(["ebike"], {"ebike": {"speed_kph": {"service": 6}}})
    assert PROFILES["ebike"].speed_kph["service"] == 14.0


REFUSED = [
    ({"car": {}}, "car"),
    ({"ebike": {"speed": 3}}, "top_kph"),
    ({"ebike": {"top_kph": "fast"}}, "fast"),
    ({"ebike": {"top_kph": True}}, "True"),
    ({"ebike": {"top_kph": float("nan")}}, "nan"),
    ({"ebike": {"top_kph": -1}}, "-1"),
    ({"ebike": {"push_kph": 0}}, "0"),
    ({"ebike": {"speed_kph": {"motorway": 20}}}, "motorway"),
    ({"ebike": {"speed_kph": {"service": 1e9}}}, "1000000000"),
    ({"ebike": {"speed_kph": 12}}, "table"),
    ({"ebike": {"delay_s": {"kissing_gate": 3}}}, "kissing_gate"),
]


@pytest.mark.parametrize(("overrides", "said"), REFUSED)
def test_bad_changes_are_refused_by_name(overrides, said):
    with pytest.raises(InvalidInputError, match=said) as caught:
        resolve_profiles(["ebike"], overrides)
    assert "\n" not in caught.value.message


def test_an_unknown_profile_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInputError, match="walk, ebike"):
        resolve_profiles(["car"])
