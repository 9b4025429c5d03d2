"""
Every word of the pages, Chinese first, English beside it.

Names of categories and services are in the layers' catalogue; names of map apps in the registry
of links. Everything else that a page says is here; the desk's share of it is in
`words_desk`, that of its editor of places in `words_places`, that of lists in `words_intake`, the rider's page's
in `words_rider`, the planner's in `words_plan`.
"""

from collections.abc import Callable
from datetime import date, datetime
from math import ceil
from typing import Literal

from geo_service.hours.spoken import WEEKDAYS, chinese_hours
from geo_service.web.words_desk import DESK_WORDS
from geo_service.web.words_intake import INTAKE_WORDS
from geo_service.web.words_links import LINK_WORDS
from geo_service.web.words_places import PLACE_WORDS
from geo_service.web.words_plan import PLAN_WORDS
from geo_service.web.words_rider import JS_ALSO, RIDER_WORDS

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")
HTML_LANG = {"zh": "zh-CN", "en": "en"}

WORDS: dict[str, tuple[str, str]] = {
    "title": ("骑手友好地图", "Riders' map"),
    "about": (
        "快递员、外卖骑手和司机用的友好服务地图：最近、到达时开着的驿站、商户、换电柜和厕所，一键导航，断网可用。",
        "A map for couriers, food riders and drivers: the nearest rest stations, merchants, swap cabinets and toilets "
        "that are open on arrival, one tap to navigate, also without a network.",
    ),
    "districts": ("选择片区", "Choose a district"),
    "no_district": ("本服务还没有片区。", "This service holds no district yet."),
    "share_map": ("下载离线地图（一个文件）", "Take this map along (one file)"),
    "skip": ("跳到列表", "Skip to the list"),
    "categories": ("类别", "Categories"),
    "other_language": ("EN", "中文"),
    "other_language_long": ("Switch to English", "切换到中文"),
    "map": ("地图", "Map"),
    "nearest": ("离片区中心最近", "Nearest to the centre"),
    "by_ride": ("{count} 处 · 按骑行时间", "{count} · by ride time"),
    "by_walk": ("{count} 处 · 按步行时间", "{count} · by walk time"),
    "on_arrival": (
        "状态按到达时刻计算；已知关门的不列，未核实、待核实的照列并注明。",
        "States are those on arrival. What is known to be closed is left out; "
        "unverified and unchecked places are listed and marked.",
    ),
    "more_closed": ("另有 {n} 处未营业", "{n} more closed"),
    "more_unreachable": ("另有 {n} 处到不了", "{n} more out of reach"),
    "no_places": (
        "这里还没有地点；用 geo-service import 导入 GeoJSON，或用 geo-service import --from-osm 从 OSM 导入。",
        "No places here yet; bring some in with geo-service import, from GeoJSON or with --from-osm.",
    ),
    "none_open": ("骑到时没有开着的。", "None is open on arrival."),
    "none_here": ("这一类还没有登记。", "None of this kind is on record yet."),
    "soonest": ("最早 {time} 开：{name}", "First to open, {time}: {name}"),
    "open": ("开放", "Open"),
    "closing_soon": ("快关门", "Closing soon"),
    "closed": ("已关门", "Closed"),
    "unknown": ("未核实", "Unverified"),
    "stale": ("待核实", "Unchecked"),
    "until": ("至 {time}", "to {time}"),
    "opens": ("{time} 开", "opens {time}"),
    "all_day": ("24 小时", "24 hours"),
    "hours_unknown": ("时间不详", "hours unknown"),
    "tomorrow": ("明天 {time}", "tomorrow {time}"),
    "metres": ("{n} 米", "{n} m"),
    "kilometres": ("{n} 公里", "{n} km"),
    "minute": ("分", "min"),
    "centre": ("片区中心", "Centre of the district"),
    "navigate": ("导航", "Go"),
    "navigate_to": ("导航去{name}", "Go to {name}"),
    "which_app": ("用哪个地图去？", "Which map app?"),
    "entrance": ("链接指向入口，已按各家坐标系换算", "Links aim at the entrance, in each app's own datum"),
    "close": ("关闭", "Close"),
    "use_app": ("用“{app}”导航", "Navigating with {app}"),
    "change": ("更换", "Change"),
    "details": ("详情", "Details"),
    "locate": ("我在哪里（位置不离开手机）", "Where am I (stays on this phone)"),
    "locate_refused": (
        "手机没有给出位置；列表仍按片区中心排序。",
        "The phone gave no position; the list stays sorted from the centre.",
    ),
    "locate_outside": ("你在片区外。", "You are outside this district."),
    "me": ("我的位置", "My position"),
    "sheet": ("列表高度", "Height of the list"),
    "pins_failed": ("地图上的点没有加载；列表可以照常使用。", "Pins did not load; the list works as ever."),
    "credit": ("© OpenStreetMap 贡献者 (ODbL)", "© OpenStreetMap contributors (ODbL)"),
    "approval": ("审图号：{number}", "Map approval: {number}"),
    "synthetic": ("演示数据：街道和地点都是虚构的", "Demo data: streets and places are made up"),
    "synthetic_place": ("这条记录是虚构的演示数据。", "This record is made-up demo data."),
    "back": ("回到地图", "Back to the map"),
    "address": ("地址", "Address"),
    "phone": ("电话", "Phone"),
    "hours": ("营业时间", "Hours"),
    "services": ("服务", "Services"),
    "access": ("怎么进", "Getting in"),
    "access_open": ("直接进", "Walk in"),
    "access_code": ("门禁码（问站长）", "Door code (ask the keeper)"),
    "access_qr": ("扫码进", "Scan to enter"),
    "access_staff": ("有人值守", "Staff at the door"),
    "access_gate": ("小区门岗", "Compound gate"),
    "parking": ("电动车停放", "E-bike parking"),
    "parking_yes": ("可停", "Yes"),
    "parking_no": ("不可停", "No"),
    "parking_n": ("约 {n} 辆", "about {n}"),
    "operator": ("运营方", "Operator"),
    "power": ("电池", "Battery"),
    "volts": ("{n} 伏", "{n} V"),
    "slots": ("{n} 个仓位", "{n} slots"),
    "source": ("来源", "Source"),
    "status_paused": ("暂停开放", "Paused"),
    "error_home": ("回首页", "To the start"),
    "error_id": ("编号 {id}", "Reference {id}"),
} | {**DESK_WORDS, **INTAKE_WORDS, **PLACE_WORDS, **RIDER_WORDS, **LINK_WORDS, **PLAN_WORDS}

Say = Callable[..., str]


def words_in(lang: Lang) -> Say:
    """
    The catalogue in one language.

    Parameters
    ----------
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    say
        Takes a key and the values of its gaps, gives the words.

    Examples
    --------
    >>> words_in("en")("until", time="21:00")
    'to 21:00'
    """
    column = LANGS.index(lang)

    def say(key: str, **gaps: object) -> str:
        words = WORDS[key][column]
        return words.format(**gaps) if gaps else words

    return say


def script_words(lang: Lang) -> dict[str, str | tuple[str, ...]]:
    """
    What the page's scripts say, gaps unfilled.

    Parameters
    ----------
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    words
        Entries of the catalogue whose key starts with ``js_``, without that; those both sides say; ``weekdays``.

    Examples
    --------
    >>> script_words("en")["until"]
    'to {time}'
    """
    column = LANGS.index(lang)
    own = {key[3:]: words[column] for key, words in WORDS.items() if key.startswith("js_")}
    return own | {key: WORDS[key][column] for key in JS_ALSO} | {"weekdays": WEEKDAYS[column]}


def length_words(length_m: float, say: Say) -> str:
    """
    A length as one reads it in passing.

    Parameters
    ----------
    length_m
        Metres.
    say
        The catalogue.

    Returns
    -------
    words
        Tens of metres below one kilometre, tenths of a kilometre above.

    Examples
    --------
    >>> length_words(713.0, words_in("zh")), length_words(1260.0, words_in("en"))
    ('710 米', '1.3 km')
    """
    if length_m < 995:
        return say("metres", n=round(length_m / 10) * 10)
    return say("kilometres", n=f"{length_m / 1000:.1f}")


def whole_minutes(cost_s: float) -> int:
    """
    A time on the way, rounded up.

    Parameters
    ----------
    cost_s
        Seconds.

    Returns
    -------
    minutes
        At least one.

    Examples
    --------
    >>> whole_minutes(185.0), whole_minutes(0.0)
    (4, 1)
    """
    return max(1, ceil(cost_s / 60))


def hours_words(text: str, lang: Lang) -> str:
    """
    Opening hours as people read them.

    Parameters
    ----------
    text
        In OSM's syntax, which is readable English already.
    lang
        Language of the page.

    Returns
    -------
    words
        Day names and holidays in Chinese; what has no Chinese word stays as it is.

    Examples
    --------
    >>> hours_words("Mo-Fr 08:00-12:00,14:00-18:00; Sa,Su off", "zh")
    '周一至周五 08:00-12:00、14:00-18:00；周六、周日 休息'
    """
    return text if lang == "en" else chinese_hours(text)


def weekday_words(on: date, lang: Lang) -> str:
    """
    Name of a day of the week.

    Parameters
    ----------
    on
        The day.
    lang
        Language of the name.

    Returns
    -------
    words
        Such as ``周三`` or ``Wed``.
    """
    return WEEKDAYS[LANGS.index(lang)][on.weekday()]


def clock_words(instant: datetime, now: datetime, say: Say, lang: Lang) -> str:
    """
    An instant as one says it today.

    Parameters
    ----------
    instant
        The instant, in the zone it is to be read in.
    now
        The present, in the same zone.
    say
        The catalogue.
    lang
        Language of the weekdays.

    Returns
    -------
    words
        ``21:00``, ``明天 06:00``, ``周三 06:00``, or a date beyond a week.

    Examples
    --------
    >>> now = datetime(2026, 11, 21, 22, 0)
    >>> clock_words(datetime(2026, 11, 22, 6, 0), now, words_in("en"), "en")
    'tomorrow 06:00'
    """
    time = instant.strftime("%H:%M")
    days = (instant.date() - now.date()).days
    # 00:00 tonight is how people say the end of today
    if days == 0 or (days == 1 and time == "00:00"):
        return time if days == 0 else "24:00"
    if days == 1:
        return say("tomorrow", time=time)
    if days < 7:
        return f"{WEEKDAYS[LANGS.index(lang)][instant.weekday()]} {time}"
    return instant.strftime("%m-%d %H:%M")
