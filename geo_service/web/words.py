"""
Every word of the pages, Chinese first, English beside it.

Names of categories and services are in the layers' catalogue; names of map apps in the registry
of links. Everything else that a page says is here.
"""

from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import Literal

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")
HTML_LANG = {"zh": "zh-CN", "en": "en"}

WORDS: dict[str, tuple[str, str]] = {
    "title": ("骑手友好地图", "Riders' map"),
    "districts": ("选择片区", "Choose a district"),
    "no_district": ("本服务还没有片区。", "This service holds no district yet."),
    "skip": ("跳到列表", "Skip to the list"),
    "categories": ("类别", "Categories"),
    "other_language": ("EN", "中文"),
    "other_language_long": ("Switch to English", "切换到中文"),
    "map": ("地图", "Map"),
    "nearest": ("离片区中心最近", "Nearest to the centre"),
    "by_ride": ("{count} 处 · 按骑行时间", "{count} places · by riding time"),
    "by_walk": ("{count} 处 · 按步行时间", "{count} places · by walking time"),
    "on_arrival": ("状态按到达时刻计算", "States are those on arrival"),
    "none_open": ("骑到时没有开着的。", "None is open on arrival."),
    "none_here": ("这一类还没有登记。", "None of this kind is on record yet."),
    "soonest": ("最早 {time} 开：{name}", "First to open, {time}: {name}"),
    "open": ("开放", "Open"),
    "closing_soon": ("快关门", "Closing soon"),
    "closed": ("已关门", "Closed"),
    "unknown": ("未核实", "Unverified"),
    "stale": ("久未核实", "Not checked lately"),
    "until": ("至 {time}", "until {time}"),
    "opens": ("{time} 开", "opens {time}"),
    "all_day": ("24 小时", "24 hours"),
    "hours_unknown": ("时间不详", "hours unknown"),
    "tomorrow": ("明天 {time}", "tomorrow {time}"),
    "metres": ("{n} 米", "{n} m"),
    "kilometres": ("{n} 公里", "{n} km"),
    "minutes": ("{n}分", "{n} min"),
    "navigate": ("导航", "Go"),
    "navigate_to": ("导航去{name}", "Navigate to {name}"),
    "which_app": ("用哪个地图去？", "Which map app?"),
    "entrance": ("链接指向入口，已按各家坐标系换算", "Links aim at the entrance, in each app's own datum"),
    "close": ("关闭", "Close"),
    "use_app": ("用“{app}”导航", "Navigating with {app}"),
    "change": ("更换", "Change"),
    "details": ("详情", "Details"),
    "theme": ("切换深浅色", "Switch light and dark"),
    "locate": ("我在哪里（位置不离开手机）", "Where am I (stays on this phone)"),
    "locate_refused": (
        "手机没有给出位置；列表仍按片区中心排序。",
        "The phone gave no position; the list stays sorted from the centre.",
    ),
    "locate_outside": ("你在片区外。", "You are outside this district."),
    "me": ("我的位置", "My position"),
    "sheet": ("列表高度", "Height of the list"),
    "selected": ("地图上选中的", "Chosen on the map"),
    "pins_failed": ("地图上的点没有加载；列表可以照常使用。", "Pins did not load; the list works as ever."),
    "credit": ("© OpenStreetMap 贡献者 (ODbL)", "© OpenStreetMap contributors (ODbL)"),
    "made_up_streets": ("演示街道，格式同 OSM", "made-up streets in OSM form"),
    "approval": ("审图号：{number}", "Map approval: {number}"),
    "synthetic": (
        "演示数据：街道、地点、时间都是虚构的，请勿据此出行。",
        "Demo data: streets, places and hours are made up. Do not travel by it.",
    ),
    "synthetic_place": ("这条记录是虚构的演示数据。", "This record is made-up demo data."),
    "back": ("回到地图", "Back to the map"),
    "state_now": ("现在", "Now"),
    "address": ("地址", "Address"),
    "phone": ("电话", "Phone"),
    "hours": ("营业时间", "Hours"),
    "services": ("服务", "Services"),
    "same_hours": ("同门店时间", "hours of the door"),
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
    "checked": ("最近核实", "Last checked"),
    "source": ("来源", "Source"),
    "status_paused": ("暂停开放", "Paused"),
    "price": ("{price}", "{price}"),
    "mode_ride": ("骑行", "cycling"),
    "mode_ebike": ("电动车", "e-bike"),
    "mode_walk": ("步行", "walking"),
    "mode_drive": ("驾车", "driving"),
    "mode_pin": ("地点", "pin"),
    "error_home": ("回首页", "To the start"),
    "error_id": ("编号 {id}", "Reference {id}"),
}

_WEEKDAYS = (
    ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
)

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
    'until 21:00'
    """
    column = LANGS.index(lang)

    def say(key: str, **gaps: object) -> str:
        words = WORDS[key][column]
        return words.format(**gaps) if gaps else words

    return say


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


def minutes_words(cost_s: float, say: Say) -> str:
    """
    A time on the way, rounded up.

    Parameters
    ----------
    cost_s
        Seconds.
    say
        The catalogue.

    Returns
    -------
    words
        Whole minutes, at least one.

    Examples
    --------
    >>> minutes_words(185.0, words_in("zh"))
    '4分'
    """
    return say("minutes", n=max(1, ceil(cost_s / 60)))


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
        return f"{_WEEKDAYS[LANGS.index(lang)][instant.weekday()]} {time}"
    return instant.strftime("%m-%d %H:%M")
