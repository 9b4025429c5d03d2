"""
The categories a district maps, the kinds of service it names, and how a district adds its own.

A category says which fields its features have: a field that is not listed is refused, a listed
field that the place model does not know is an extra one of the district.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)

_STATUS = ("status", "status_reason", "status_from", "status_until")
_COMMON = (
    "name", "address", "phone", "network", "host_type", "operator", "headcount", "arrival", "hours", "services",
    "access", "ebike_parking", "open_to", "photos", "inspection", "listing", "external_ids", *_STATUS, "provenance",
)  # fmt: skip
_STATION = ("class", "station_code", "area_m2", "seats")
_POWER = ("power",)
AREA_FIELDS = ("name", *_STATUS, "provenance")
_FIELDS = frozenset((*_COMMON, *_STATION, *_POWER))
_LAYER_WORDS = frozenset({"zh", "en", "pin", "colour", "fields", "is_area"})


class Words(NamedTuple):
    """One thing in both languages of the pages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Category:
    """
    What one layer holds.

    Parameters
    ----------
    key
        Name of the layer, as in files and addresses.
    zh
        What riders call it, in Chinese.
    en
        The same in English.
    pin
        One character for the pin.
    colour
        Of the pin, ``#rrggbb``.
    fields
        Properties its features may have, in the words of the GeoJSON.
    is_area
        Whether features are polygons instead of points.
    """

    key: str
    zh: str
    en: str
    pin: str
    colour: str
    fields: tuple[str, ...] = _COMMON
    is_area: bool = False

    @property
    def extra_fields(self) -> tuple[str, ...]:
        """Fields the place model does not know: free values a district adds."""
        known = AREA_FIELDS if self.is_area else _FIELDS
        return tuple(name for name in self.fields if name not in known)


@dataclass(frozen=True)
class Catalogue(Mapping[str, Category]):
    """
    Categories by key, and the vocabulary of service kinds.

    Parameters
    ----------
    categories
        Categories by key, in the order in which pages list them.
    services
        Words for each kind of service; kinds that are not here are refused.
    """

    categories: Mapping[str, Category]
    services: Mapping[str, Words] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Category:
        return self.categories[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.categories)

    def __len__(self) -> int:
        return len(self.categories)


def _by_key(*categories: Category) -> dict[str, Category]:
    return {category.key: category for category in categories}


CATALOGUE = Catalogue(
    _by_key(
        Category("station", "驿站", "Rest station", "驿", "#c8102e", (*_COMMON, *_STATION)),
        Category("merchant", "友好商户", "Friendly merchant", "商", "#b45309"),
        Category("charging", "充电柜", "Charging cabinet", "充", "#15803d", (*_COMMON, *_POWER)),
        Category("swap", "换电站", "Battery swap", "换", "#0f766e", (*_COMMON, *_POWER)),
        Category("clinic", "医疗点", "Medical point", "医", "#1d4ed8"),
        Category("toilet", "爱心公厕", "Toilet", "厕", "#6d28d9"),
        Category("water", "饮水点", "Drinking water", "水", "#0369a1"),
        Category("express_site", "快递网点", "Express outlet", "递", "#57534e"),
        Category("gathering_point", "骑手聚集点", "Rider gathering point", "聚", "#9d174d"),
        Category("block", "友好街区", "Friendly block", "街", "#b91c1c", AREA_FIELDS, is_area=True),
        Category("community", "社区", "Community", "社", "#475569", AREA_FIELDS, is_area=True),
        Category("grid", "网格", "Grid cell", "格", "#64748b", AREA_FIELDS, is_area=True),
    ),
    {
        "rest": Words("歇脚", "Rest"),
        "hot_water": Words("热水", "Hot water"),
        "drinking_water": Words("饮用水", "Drinking water"),
        "microwave": Words("微波炉", "Microwave"),
        "meal_heating": Words("热饭", "Meal heating"),
        "fridge": Words("冰箱", "Fridge"),
        "phone_charging": Words("手机充电", "Phone charging"),
        "wifi": Words("无线网", "Wi-Fi"),
        "air_conditioning": Words("空调", "Air conditioning"),
        "heating": Words("取暖", "Heating"),
        "first_aid": Words("应急药箱", "First-aid box"),
        "medical": Words("看病", "Medical care"),
        "emergency": Words("急诊", "Emergency care"),
        "pharmacy": Words("药店", "Pharmacy"),
        "reading": Words("阅读角", "Reading corner"),
        "leaflets": Words("政策资料", "Policy leaflets"),
        "canteen": Words("食堂", "Canteen"),
        "meeting_room": Words("议事厅", "Meeting room"),
        "toilet": Words("厕所", "Toilet"),
        "shower": Words("淋浴", "Shower"),
        "locker": Words("储物柜", "Locker"),
        "umbrella": Words("借伞", "Umbrellas to borrow"),
        "rain_gear": Words("雨具", "Rain gear"),
        "tyre_air": Words("免费打气", "Tyre air"),
        "tools": Words("工具", "Tools"),
        "bike_repair": Words("修车", "Bike repair"),
        "bike_charging": Words("电动车充电", "E-bike charging"),
        "battery_swap": Words("换电", "Battery swap"),
        "rider_meal": Words("骑手套餐", "Rider meal"),
        "discount": Words("暖新折扣", "Discount"),
        "haircut": Words("理发优惠", "Haircut discount"),
        "laundry": Words("洗衣", "Laundry"),
        "child_care": Words("托管", "Child care"),
        "legal_aid": Words("法律咨询", "Legal advice"),
        "counselling": Words("一对一咨询", "One-to-one advice"),
        "training": Words("培训", "Training"),
        "parcel": Words("快递收发", "Parcels"),
    },
)


def _refuse(parameter: str, value: object, rule: str) -> InvalidInputError:
    return InvalidInputError(
        f"catalogue: {parameter}={value!r}: {rule}", parameter=parameter, value=value, rule=rule
    )


def _table(value: object, parameter: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _refuse(parameter, value, "must be a table")
    return value


def _word(table: Mapping[str, object], name: str, parameter: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 80 or not value.isprintable():
        raise _refuse(f"{parameter}.{name}", value, "must be a text of 1 to 80 printable characters")
    return value


def _field_names(value: object, parameter: str) -> tuple[str, ...]:
    names = value if isinstance(value, list | tuple) else None
    if names is None or not all(isinstance(name, str) and KEY.fullmatch(name) for name in names):
        raise _refuse(parameter, value, "must be a list of field names: a-z, then a-z 0-9 _, at most 40")
    return tuple(names)


def _category(key: str, table: Mapping[str, object], known: Category | None) -> Category:
    at = f"categories.{key}"
    if unknown := sorted(set(table) - _LAYER_WORDS):
        raise _refuse(
            f"{at}.{unknown[0]}", table[unknown[0]], f"allowed are {', '.join(sorted(_LAYER_WORDS))}"
        )
    is_area = table.get("is_area", known.is_area if known else False)
    if not isinstance(is_area, bool) or (known and is_area != known.is_area):
        raise _refuse(f"{at}.is_area", is_area, "must be true or false; a layer that exists keeps what it is")
    base = known or Category(key, "", "", "", "", AREA_FIELDS if is_area else _COMMON, is_area)
    named = _field_names(table.get("fields", []), f"{at}.fields")
    names = [name for name in ("zh", "en", "pin", "colour") if not known or name in table]
    words: dict[str, Any] = {name: _word(table, name, at) for name in names}
    category = replace(base, fields=tuple(dict.fromkeys((*base.fields, *named))), **words)
    if len(category.pin) != 1:
        raise _refuse(f"{at}.pin", category.pin, "must be one character")
    if not COLOUR.fullmatch(category.colour):
        raise _refuse(f"{at}.colour", category.colour, "must be #rrggbb in lower case")
    return category


def _check_key(key: object, parameter: str) -> str:
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise _refuse(parameter, key, "a key is a-z, then a-z 0-9 _, at most 40 characters")
    return key


def catalogue_with(
    categories: Mapping[str, object],
    services: Mapping[str, object] | None = None,
    base: Catalogue = CATALOGUE,
) -> Catalogue:
    """
    Widen a catalogue by what one district defines.

    Parameters
    ----------
    categories
        Tables by layer key with ``zh``, ``en``, ``pin``, ``colour``, ``fields``, ``is_area``; a layer that exists
        keeps its fields and gets those named as well.
    services
        Tables by kind of service with ``zh`` and ``en``.
    base
        The catalogue to widen; it is not changed.

    Returns
    -------
    catalogue
        A new catalogue.

    Raises
    ------
    InvalidInputError
        If a key, a word, a colour or a field name breaks its rule.

    Examples
    --------
    >>> canteen = {"zh": "食堂", "en": "Canteen", "pin": "食", "colour": "#aa3300", "fields": ["cuisine"]}
    >>> wider = catalogue_with({"canteen": canteen}, {"shoe_repair": {"zh": "修鞋", "en": "Shoe repair"}})
    >>> wider["canteen"].extra_fields
    ('cuisine',)
    """
    layers, kinds = dict(base.categories), dict(base.services)
    for key, table in _table(categories, "categories").items():
        at = f"categories.{_check_key(key, 'categories')}"
        layers[key] = _category(key, _table(table, at), base.categories.get(key))
    for kind, table in _table(services or {}, "services").items():
        at = f"services.{_check_key(kind, 'services')}"
        words = _table(table, at)
        kinds[kind] = Words(_word(words, "zh", at), _word(words, "en", at))
    return Catalogue(layers, kinds)
