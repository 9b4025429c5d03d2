"""
What a walker or an e-bike may use, and how fast: one table per profile.

The rules follow the access hierarchy of the OpenStreetMap wiki: the most specific key wins
(``electric_bicycle``, ``bicycle``, ``vehicle``, ``access`` for an e-bike; ``foot``, ``access``
for a walker), a key with ``:forward`` or ``:backward`` beats the same key without. An e-bike is
a bicycle by Chinese law as long as it keeps to 25 km/h. Where it may not be ridden but walking
is allowed, it is pushed. Tables are read by `judge_way` and `judge_node`, which know no map.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, NamedTuple, NoReturn

from geo_service.errors import InvalidInputError
from geo_service.network.graph import MODES
from geo_service.network.raw import Tags, words

Direction = Literal["forward", "backward"]

RIDE, PUSH, WALK = (MODES.index(mode) for mode in ("ride", "push", "walk"))

FOOT_KEYS = ("foot", "access")
RIDE_KEYS = ("electric_bicycle", "bicycle", "vehicle", "access")
"""From the most specific to the most general; the first that says something counts."""

ALLOWED = words(
    "yes permissive designated official destination customers delivery visitors public allowed shared "
    "discouraged mandatory unspecified 1 true"
)
"""Riders deliver: ``destination``, ``customers`` and ``delivery`` are meant for them."""

DENIED = words(
    "no private permit residents residential staff employees members restricted agricultural forestry "
    "military emergency license none never use_sidepath dismount 0 false"
)
"""Closed to the public; ``dismount`` and ``use_sidepath`` forbid riding, not walking beside the bike."""

NEVER = frozenset(("motorway", "motorway_link"))
"""No tag opens these to a walker or an e-bike."""

WALK_KPH: Mapping[str, float] = dict.fromkeys(
    sorted(
        words(
            "trunk trunk_link primary primary_link secondary secondary_link tertiary tertiary_link unclassified "
            "residential living_street service road track cycleway path footway pedestrian bridleway corridor"
        )
    ),
    4.8,
) | {"platform": 4.0, "steps": 2.4, "elevator": 2.4}

RIDE_KPH: Mapping[str, float] = {
    "trunk": 20.0, "trunk_link": 18.0, "primary": 20.0, "primary_link": 18.0,
    "secondary": 20.0, "secondary_link": 18.0, "tertiary": 20.0, "tertiary_link": 18.0,
    "unclassified": 18.0, "residential": 16.0, "living_street": 12.0, "service": 14.0, "road": 15.0,
    "cycleway": 20.0, "path": 12.0, "track": 12.0,
    "footway": 10.0, "pedestrian": 8.0, "bridleway": 8.0, "platform": 6.0, "busway": 18.0, "corridor": 6.0,
}  # fmt: skip

RIDE_BY_DEFAULT = frozenset(RIDE_KPH) - words("footway pedestrian bridleway platform busway corridor")
"""The other classes are ridden only where a tag says so."""

SURFACE_KPH: Mapping[str, float] = {
    "sett": 15.0, "paving_stones": 18.0, "cobblestone": 12.0, "unhewn_cobblestone": 10.0, "pebblestone": 10.0,
    "compacted": 15.0, "fine_gravel": 14.0, "gravel": 10.0, "unpaved": 12.0, "dirt": 10.0, "earth": 10.0,
    "ground": 10.0, "grass_paver": 10.0, "grass": 8.0, "wood": 12.0, "woodchips": 8.0, "rock": 6.0, "stone": 10.0,
    "sand": 6.0, "mud": 6.0,
}  # fmt: skip

SMOOTHNESS_KPH: Mapping[str, float] = {"bad": 12.0, "very_bad": 8.0, "horrible": 6.0, "very_horrible": 5.0}

STREET_DELAY_S: Mapping[str, tuple[float, float]] = {
    "traffic_signals": (12.0, 15.0), "crossing_signals": (12.0, 5.0), "level_crossing": (10.0, 10.0),
    "elevator": (40.0, 60.0),
}  # fmt: skip
"""Seconds for a walker and for an e-bike at what a street node is."""

BARRIER_DELAY_S: Mapping[str, tuple[float, float | None]] = {
    "entrance": (0.0, 0.0), "kerb": (0.0, 0.0), "toll_booth": (0.0, 0.0), "height_restrictor": (0.0, 0.0),
    "bus_trap": (0.0, 0.0), "sump_buster": (0.0, 0.0), "handrail": (0.0, 0.0), "tyres": (0.0, 3.0),
    "bollard": (0.0, 2.0), "planter": (0.0, 2.0), "delineators": (0.0, 2.0), "cattle_grid": (2.0, 3.0),
    "lift_gate": (0.0, 4.0), "swing_gate": (2.0, 5.0), "bump_gate": (5.0, 10.0), "sliding_beam": (2.0, 5.0),
    "gate": (5.0, 8.0), "sliding_gate": (5.0, 8.0), "wicket_gate": (4.0, 12.0), "hampshire_gate": (15.0, 25.0),
    "door": (5.0, 15.0), "block": (0.0, 5.0), "jersey_barrier": (3.0, 15.0), "chain": (2.0, 8.0),
    "rope": (2.0, 8.0), "log": (4.0, 15.0), "debris": (5.0, 20.0), "coupure": (0.0, 2.0), "spikes": (0.0, 5.0),
    "cycle_barrier": (2.0, 10.0), "motorcycle_barrier": (2.0, 15.0), "barrier_board": (2.0, 8.0),
    "security_control": (15.0, 20.0), "checkpoint": (15.0, 20.0), "border_control": (60.0, 60.0),
    "kissing_gate": (6.0, None), "stile": (8.0, None), "horse_stile": (5.0, None), "turnstile": (5.0, None),
    "full-height_turnstile": (5.0, None), "yes": (3.0, 5.0),
}  # fmt: skip
"""Seconds for a walker and for an e-bike; None where the bike does not fit through."""

CLOSED_BARRIERS = words(
    "wall fence hedge city_wall retaining_wall guard_rail cable_barrier ditch wire_fence hedge_bank"
)
"""Nobody passes these where a street crosses them, unless a tag or an ``entrance`` says so."""

_POSITIONS = {"walk": 0, "ebike": 1}


class Travel(NamedTuple):
    """How a street is used in one direction: position in ``MODES``, and how fast."""

    mode: int
    kph: float


class WayRule(NamedTuple):
    """Both directions of a way as it is drawn; None where there is no way through."""

    forward: Travel | None
    backward: Travel | None


class NodeRule(NamedTuple):
    """What a node does to who arrives along or against a way: whole milliseconds, or no way through."""

    is_open: bool
    forward_ms: int
    backward_ms: int


FREE = NodeRule(True, 0, 0)


@dataclass(frozen=True)
class Profile:
    """
    Speeds, delays and permissions of one way of getting about.

    Parameters
    ----------
    name
        ``"walk"`` or ``"ebike"``.
    speed_kph
        Speed by ``highway`` class; 0 closes a class. For an e-bike: when ridden.
    delay_s
        Seconds lost at signals, lifts and barriers, by kind.
    gap_kph
        Speed over the straight gap between a point and its street; it is walked.
    top_kph
        Nothing is faster than this.
    push_kph
        Speed of a pushed bike on the level.
    steps_kph
        Speed of a bike pushed up or down stairs without a ramp.
    ramp_kph
        The same with ``ramp`` or ``ramp:bicycle``.
    surface_kph
        Upper limit by ``surface``, when ridden.
    smoothness_kph
        Upper limit by ``smoothness``, when ridden.
    """

    name: str
    speed_kph: Mapping[str, float]
    delay_s: Mapping[str, float]
    gap_kph: float = 4.8
    top_kph: float = 25.0
    push_kph: float = 4.0
    steps_kph: float = 1.0
    ramp_kph: float = 2.5
    surface_kph: Mapping[str, float] = field(default_factory=lambda: SURFACE_KPH)
    smoothness_kph: Mapping[str, float] = field(default_factory=lambda: SMOOTHNESS_KPH)

    @property
    def is_ridden(self) -> bool:
        """Whether this profile has a vehicle."""
        return self.name != "walk"

    @property
    def gap_ms_per_m(self) -> float:
        """Milliseconds per metre of gap."""
        return 3600.0 / self.gap_kph


def _delays(profile: str) -> dict[str, float]:
    column = _POSITIONS[profile]
    both = {**STREET_DELAY_S, **BARRIER_DELAY_S}
    return {kind: seconds for kind, row in both.items() if (seconds := row[column]) is not None}


PROFILES: Mapping[str, Profile] = {
    "walk": Profile("walk", WALK_KPH, _delays("walk"), top_kph=6.0),
    "ebike": Profile("ebike", RIDE_KPH, _delays("ebike")),
}

# --- changes by a district ----------------------------------------------------------------


def resolve_profiles(
    names: Iterable[str], overrides: Mapping[str, Mapping[str, object]] | None = None
) -> tuple[Profile, ...]:
    """
    Look profiles up and apply a district's changes.

    Parameters
    ----------
    names
        Names in `PROFILES`.
    overrides
        By profile, then by field of `Profile`: a number, or for tables a mapping of the entries to change.

    Returns
    -------
    profiles
        In the order of the names.

    Raises
    ------
    InvalidInputError
        For an unknown profile, field or entry, or a number out of range.

    Examples
    --------
    >>> (slow,) = resolve_profiles(["ebike"], {"ebike": {"top_kph": 15, "speed_kph": {"service": 8}}})
    >>> slow.top_kph, slow.speed_kph["service"], slow.speed_kph["primary"]
    (15.0, 8.0, 20.0)
    """
    changes = overrides or {}
    chosen = tuple(dict.fromkeys(names))
    for name in (*chosen, *changes):
        if name not in PROFILES:
            _refuse("profile", name, f"one of {', '.join(PROFILES)}")
    return tuple(_override(PROFILES[name], changes.get(name, {})) for name in chosen)


def _override(profile: Profile, changes: Mapping[str, object]) -> Profile:
    known = {f.name: getattr(profile, f.name) for f in fields(Profile) if f.name != "name"}
    new: dict[str, object] = {}
    for key, value in changes.items():
        where = f"{profile.name}.{key}"
        if key not in known:
            _refuse(where, value, f"a change of one of {', '.join(known)}")
        old = known[key]
        new[key] = (
            _override_table(where, old, value) if isinstance(old, Mapping) else _number(where, value, 0.1)
        )
    return replace(profile, **new)  # type: ignore[arg-type]


def _override_table(where: str, old: Mapping[str, float], value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        _refuse(where, value, "a table")
    for key in value:
        if key not in old:
            _refuse(f"{where}.{key}", value[key], f"an entry for one of {', '.join(sorted(old))}")
    lowest = 0.0 if where.endswith((".speed_kph", ".delay_s")) else 0.1
    return {**old, **{key: _number(f"{where}.{key}", number, lowest) for key, number in value.items()}}


def _number(where: str, value: object, lowest: float) -> float:
    highest = 3600.0 if ".delay_s" in where else 120.0
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not lowest <= number <= highest:  # NaN is not
        _refuse(where, value, f"a number from {lowest:g} to {highest:g}")
    return number


def _refuse(where: str, value: object, allowed: str) -> NoReturn:
    raise InvalidInputError(f"{where}={value!r} is not {allowed}", parameter=where, value=str(value))


# --- access -------------------------------------------------------------------------------


def parse_access(value: str | None) -> bool | None:
    """
    Read an access value; of a list, one permission is enough.

    Parameters
    ----------
    value
        What a tag says, None where there is no tag.

    Returns
    -------
    is_allowed
        None where nothing is said that is known, so that a more general key is asked.

    Examples
    --------
    >>> parse_access("destination"), parse_access("agricultural;forestry"), parse_access("unknown")
    (True, False, None)
    """
    if value is None:
        return None
    parts = [part.strip().lower() for part in value.split(";")]
    if any(part in ALLOWED for part in parts):
        return True
    return False if any(part in DENIED for part in parts) else None


def _verdict(tags: Tags, keys: tuple[str, ...], direction: Direction | None) -> bool | None:
    for key in keys:
        if direction is not None and (said := parse_access(tags.get(f"{key}:{direction}"))) is not None:
            return said
        if (said := parse_access(tags.get(key))) is not None:
            return said
    return None


def _is_motor_only(tags: Tags) -> bool:
    return tags.get("motorroad") == "yes" or tags.get("expressway") == "yes"


def _may_walk(tags: Tags, direction: Direction) -> bool:
    if not _is_along(_foot_oneway(tags), direction):
        return False
    own = _verdict(tags, FOOT_KEYS[:1], direction)
    if own is not None:
        return own
    if _is_motor_only(tags) or _verdict(tags, FOOT_KEYS[1:], direction) is False:
        return False
    return tags["highway"] in WALK_KPH


def _foot_oneway(tags: Tags) -> str:
    conveying = tags.get("conveying")
    if conveying in ("forward", "backward"):
        return "yes" if conveying == "forward" else "-1"
    return tags.get("oneway:foot", "no")


def _may_ride(tags: Tags, direction: Direction) -> bool:
    is_invited = any(parse_access(tags.get(f"{key}:{direction}")) for key in RIDE_KEYS[:2])
    if not is_invited and not _is_along(_ride_oneway(tags), direction):
        return False
    own = _verdict(tags, RIDE_KEYS[:2], direction)
    if own is not None:
        return own
    if _is_motor_only(tags) or tags.get("indoor") == "yes":
        return False
    vehicle = _verdict(tags, RIDE_KEYS[2:3], direction)
    if vehicle is not None:
        return vehicle
    return tags["highway"] in RIDE_BY_DEFAULT and _verdict(tags, RIDE_KEYS[3:], direction) is not False


def _ride_oneway(tags: Tags) -> str:
    for key in ("oneway:electric_bicycle", "oneway:bicycle"):
        if key in tags:
            return tags[key]
    implied = "yes" if tags.get("junction") in ("roundabout", "circular") else "no"
    oneway = tags.get("oneway", implied)
    return "no" if oneway in _AGAINST and _has_contraflow(tags, _AGAINST[oneway]) else oneway


_AGAINST = {"yes": "-1", "1": "-1", "true": "-1", "-1": "yes", "reverse": "yes"}
_SIDES = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")


def _has_contraflow(tags: Tags, against: str) -> bool:
    if any(tags.get(side, "").startswith("opposite") for side in _SIDES):
        return True
    return any(
        tags.get(side, "no") not in ("no", "none", "separate")
        and tags.get(f"{side}:oneway") in ("no", against)
        for side in _SIDES
    )


def _is_along(oneway: str, direction: Direction) -> bool:
    if oneway in ("yes", "1", "true"):
        return direction == "forward"
    if oneway in ("-1", "reverse"):
        return direction == "backward"
    return oneway != "reversible"


# --- speed --------------------------------------------------------------------------------


def _ride_kph(profile: Profile, tags: Tags) -> float:
    limits = [profile.speed_kph.get(tags["highway"], 0.0), profile.top_kph]
    if tags.get("service") in ("driveway", "parking_aisle", "drive-through"):
        limits.append(10.0)
    if (limit := parse_maxspeed(tags.get("maxspeed"))) is not None:
        limits.append(limit)
    for key, table in (("surface", profile.surface_kph), ("smoothness", profile.smoothness_kph)):
        if tags.get(key) in table:
            limits.append(table[tags[key]])
    return min(limits)


def parse_maxspeed(text: str | None) -> float | None:
    """
    Read a speed limit in km/h or mph.

    Parameters
    ----------
    text
        What the tag says, such as ``"30"`` or ``"20 mph"``.

    Returns
    -------
    kph
        None where it is no number of at least 3 km/h.

    Examples
    --------
    >>> parse_maxspeed("30"), parse_maxspeed("10 mph"), parse_maxspeed("walk")
    (30.0, 16.09344, None)
    """
    number, _, unit = (text or "").strip().partition(" ")
    if not (number.isascii() and number.isdigit() and len(number) <= 3) or unit.strip() not in (
        "",
        "km/h",
        "mph",
    ):
        return None
    kph = float(number) * (1.609344 if unit.strip() == "mph" else 1.0)
    return kph if kph >= 3.0 else None


def _push_kph(profile: Profile, tags: Tags) -> float:
    if tags["highway"] != "steps":
        return min(profile.push_kph, WALK_KPH.get(tags["highway"], profile.push_kph))
    has_ramp = any(
        tags.get(key, "no") not in ("no", "separate") for key in ("ramp", "ramp:bicycle", "ramp:stroller")
    )
    return profile.ramp_kph if has_ramp else profile.steps_kph


def _may_push(tags: Tags, direction: Direction) -> bool:
    if tags["highway"] in ("platform", "corridor") or tags.get("indoor") == "yes" or "conveying" in tags:
        return False
    is_invited = tags.get("bicycle") == "dismount" and parse_access(tags.get("foot")) is not False
    return is_invited or _may_walk(tags, direction)


# --- verdicts -----------------------------------------------------------------------------


def judge_way(profile: Profile, tags: Tags) -> WayRule:
    """
    Decide how a way is used, along and against its drawing.

    Parameters
    ----------
    profile
        Whose table.
    tags
        Tags of the way.

    Returns
    -------
    rule
        Mode and speed for each direction.

    Examples
    --------
    >>> judge_way(PROFILES["ebike"], {"highway": "residential", "oneway": "yes"})
    WayRule(forward=Travel(mode=0, kph=16.0), backward=Travel(mode=1, kph=4.0))
    """
    if not is_street(tags):
        return WayRule(None, None)
    return WayRule(_judge_direction(profile, tags, "forward"), _judge_direction(profile, tags, "backward"))


def is_street(tags: Tags) -> bool:
    """Whether a way is there to be travelled on at all: built, in use, not a motorway."""
    highway = tags.get("highway", "")
    gone = any(tags.get(key) == "yes" for key in ("abandoned", "disused", "razed", "demolished"))
    return not gone and highway not in NEVER and (highway in WALK_KPH or highway in RIDE_KPH)


def _judge_direction(profile: Profile, tags: Tags, direction: Direction) -> Travel | None:
    if not profile.is_ridden:
        kph = min(profile.speed_kph.get(tags["highway"], WALK_KPH["path"]), profile.top_kph)
        return Travel(WALK, kph) if kph > 0 and _may_walk(tags, direction) else None
    if _may_ride(tags, direction) and (kph := _ride_kph(profile, tags)) > 0:
        return Travel(RIDE, kph)
    return Travel(PUSH, _push_kph(profile, tags)) if _may_push(tags, direction) else None


def judge_node(profile: Profile, tags: Tags) -> NodeRule:
    """
    Decide what a street node does to who passes: barriers, signals, lifts.

    Parameters
    ----------
    profile
        Whose table.
    tags
        Tags of the node.

    Returns
    -------
    rule
        Open or not, and the delay for arriving along and against the way.

    Examples
    --------
    >>> judge_node(PROFILES["ebike"], {"barrier": "gate", "locked": "yes"})
    NodeRule(is_open=False, forward_ms=0, backward_ms=0)
    """
    barrier_s = _barrier_delay_s(profile, tags)
    if barrier_s is None:
        return NodeRule(False, 0, 0)
    street = _street_kind(tags)
    street_s = profile.delay_s.get(street, 0.0)
    faces = (
        tags.get("traffic_signals:direction", tags.get("direction")) if street == "traffic_signals" else None
    )
    forward_s = 0.0 if faces == "backward" else street_s
    backward_s = 0.0 if faces == "forward" else street_s
    return NodeRule(True, round(1000 * (barrier_s + forward_s)), round(1000 * (barrier_s + backward_s)))


def _street_kind(tags: Tags) -> str:
    highway = tags.get("highway", "").split(";")
    if "traffic_signals" in highway:
        return "traffic_signals"
    if "crossing" in highway and "traffic_signals" in (tags.get("crossing"), tags.get("crossing:signals")):
        return "crossing_signals"
    if "crossing" in highway and tags.get("crossing:signals") == "yes":
        return "crossing_signals"
    if tags.get("railway") in ("level_crossing", "crossing"):
        return "level_crossing"
    return "elevator" if "elevator" in highway else ""


_BARE = frozenset(
    (*FOOT_KEYS, *RIDE_KEYS, "motor_vehicle", "locked", "note", "source", "fixme", "created_by")
)


def _barrier_delay_s(profile: Profile, tags: Tags) -> float | None:
    """Give the delay at a barrier, None where there is no way through."""
    barrier = tags.get("barrier")
    if barrier is None:
        # access on a shop or a crossing speaks of that, not of the street that runs through
        is_bare = _BARE.issuperset(tags) and any(key in tags for key in RIDE_KEYS + FOOT_KEYS)
        return 0.0 if not is_bare or _may_pass(profile, tags) else None
    if not _fits(profile, tags, barrier) or not _may_pass(profile, tags):
        return None
    unknown = profile.delay_s["yes"]
    return 0.0 if barrier in CLOSED_BARRIERS else profile.delay_s.get(barrier, unknown)


def _may_pass(profile: Profile, tags: Tags) -> bool:
    if tags.get("locked") == "yes":
        return False
    on_foot = _verdict(tags, FOOT_KEYS, None)
    ridden = _verdict(tags, RIDE_KEYS, None) if profile.is_ridden else None
    # a bike that may not be ridden through is pushed
    return bool(ridden) or on_foot is not False


def _fits(profile: Profile, tags: Tags, barrier: str) -> bool:
    own = RIDE_KEYS[:2] if profile.is_ridden else FOOT_KEYS[:1]
    if _verdict(tags, own, None):
        return True
    if barrier in CLOSED_BARRIERS:
        return "entrance" in tags or "opening" in tags
    return profile.name == "walk" or BARRIER_DELAY_S.get(barrier, (0.0, 0.0))[1] is not None
