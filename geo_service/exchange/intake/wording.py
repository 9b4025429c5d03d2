"""
Chinese words of lists, turned into the words of the place model, and only where they mean one thing.

What is left over after a translation is not thrown away: the whole text is then refused, so that its row
can be named. Opening hours become OSM's ``opening_hours``.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.hours import check_hours
from geo_service.layers import Catalogue, Words

_LONGEST = 300
"""Characters of opening hours, and of one word of a list of services: nobody writes more, but an attacker does."""

# --- opening hours ----------------------------------------------------------------------

_ALWAYS = re.compile(
    r"(?:(?:每天|每日|全年|周一至周日|365天)?(?:24小时|全天候?|全时段?|昼夜)(?:24小时)?(?:开放|营业|服务|值守)?|24h(?:ours)?|7[x*×]24(?:小时)?|24[x*×]7|24/7|0?0:00-24:00)"
)
# `9:00-5:00` is OSM too, but who writes it means the afternoon or the morning: only what is spelled out is OSM's
_OSM_WORDS = re.compile(
    r"\b(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH|off|open|closed|unknown|sunrise|sunset)\b|24/7|^[\s,]*(?:\d\d:\d\d-\d\d:\d\d[\s,]*)+$"
)
_DAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": -1}
_NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WEEK = r"(?:周|星期|礼拜)"
_DAYS = re.compile(
    rf"(?P<all>每天|每日|天天|全年|全周|{_WEEK}一[-至到]{_WEEK}?[日天])"
    rf"|(?P<work>工作日|平日|平时)|(?P<end>双休日|周末|{_WEEK}六日|{_WEEK}六{_WEEK}[日天])"
    rf"|(?P<holiday>(?:法定)?(?:节假日|节日|假日))"
    rf"|{_WEEK}(?P<first>[一二三四五六日天])[-至到]{_WEEK}?(?P<last>[一二三四五六日天])"
    rf"|(?P<list>{_WEEK}[一二三四五六日天](?:[,和及]?{_WEEK}?[一二三四五六日天])*)"
)
_PART = "(?P<{0}>凌晨|早上|早晨|清晨|早|上午|中午|下午|午后|晚上|傍晚|夜间|晚|夜|次日|第二天|翌日)?"
_CLOCK = r"(?P<{0}>\d{{1,2}})(?:[:点时](?P<{1}>\d{{2}}|半|整)?分?)?"
_SPAN = re.compile(
    _PART.format("p1")
    + _CLOCK.format("h1", "m1")
    + "[-至到]"
    + _PART.format("p2")
    + _CLOCK.format("h2", "m2")
)
_CLOSED = re.compile(r"(?:均|都|全天)?(?:休息|不开放|不营业|休|关闭|闭馆|除外|停业|歇业|不开)")
_FILLER = re.compile(r"(?:开放时间|营业时间|服务时间|开放|营业|服务|时间|为|对外|[:,。.;、()\[\]\s])")
_AFTERNOON = frozenset({"下午", "午后", "晚上", "傍晚", "晚", "夜间", "夜", "中午"})
_NEXT_DAY = frozenset({"次日", "第二天", "翌日", "凌晨"})


class _Selector(NamedTuple):
    """Days a sentence names: weekdays by number, and whether holidays."""

    days: frozenset[int]
    has_holidays: bool = False


_EVERY = _Selector(frozenset(range(7)))


@lru_cache(maxsize=10_000)  # a list repeats the same few texts
def hours_from_words(text: str) -> str:
    """
    Turn opening hours as people write them into OSM's ``opening_hours``.

    Parameters
    ----------
    text
        OSM text, or Chinese such as ``周一至周五 9:00-18:00``, ``8:30—17:30（周末休息）``, ``24小时``,
        ``上午9点到下午5点半``.

    Returns
    -------
    hours
        What the place model takes.

    Raises
    ------
    InvalidInputError
        If any part of it is not understood, or can mean two things.

    Examples
    --------
    >>> hours_from_words("8:30—17:30（周末休息）"), hours_from_words("24小时")
    ('08:30-17:30; Sa,Su off', '24/7')
    """
    if len(text) > _LONGEST:
        raise _unclear(text)
    plain = _plain(text)
    if _ALWAYS.fullmatch(plain):
        return "24/7"
    if _OSM_WORDS.search(text) and _is_osm(text.strip()):
        return text.strip()
    rules = _rules(plain, text)
    hours = "; ".join(rules)
    if not rules or not _is_osm(hours):
        raise _unclear(text)
    return hours


def _plain(text: str) -> str:
    # ASCII signs, one dash, no blanks between Chinese: what people vary without meaning anything
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\s*(?:—|–|－|~|〜|～|--+|―|−|─|-)+\s*", "-", text).replace("，", ",").replace("；", ";")
    text = (
        re.sub(r"[、/](?=[\d周星上下中早晚一二三四五六日天])", ",", text)
        if not text.startswith("24/7")
        else text
    )
    return re.sub(r"\s+", " ", text).strip(" 。.;,")


def _is_osm(text: str) -> bool:
    try:
        check_hours(text)
    except InvalidInputError:
        return False
    return True


def _rules(plain: str, text: str) -> list[str]:
    """One rule per run of days followed by times or a word for closed; times before any days hold on all."""
    selectors: list[_Selector] = []
    spans: list[str] = []
    rules: list[str] = []
    at = 0
    while at < len(plain):
        if found := _SPAN.match(plain, at):
            spans.append(_span(found, spans, text))
        elif found := _ALWAYS.match(plain, at):
            spans.append("00:00-24:00")
        elif found := _DAYS.match(plain, at):
            if spans:
                rules.append(_rule(selectors, spans))
                selectors, spans = [], []
            selectors.append(_selector(found))
        elif found := _CLOSED.match(plain, at):
            if spans or not selectors:
                raise _unclear(text)
            rules.append(f"{_days(selectors)} off")
            selectors = []
        elif not (found := _FILLER.match(plain, at)):
            raise _unclear(text)
        at = found.end()
    if selectors and not spans:
        raise _unclear(text)
    return [*rules, _rule(selectors, spans)] if spans else _ordered(rules, text)


def _ordered(rules: list[str], text: str) -> list[str]:
    if all(rule.endswith(" off") for rule in rules):
        raise _unclear(text)
    return rules


def _rule(selectors: Sequence[_Selector], spans: Sequence[str]) -> str:
    days = _days(selectors)
    return f"{days} {','.join(spans)}".strip()


def _selector(found: re.Match[str]) -> _Selector:
    if found["all"]:
        return _EVERY
    if found["work"]:
        return _Selector(frozenset(range(5)))
    if found["end"]:
        return _Selector(frozenset({5, 6}))
    if found["holiday"]:
        return _Selector(frozenset(), True)
    if found["first"]:
        first, last = _DAY[found["first"]], _DAY[found["last"]]
        return _Selector(frozenset((first + step) % 7 for step in range((last - first) % 7 + 1)))
    return _Selector(frozenset(_DAY[sign] for sign in found["list"] if sign in _DAY))


def _days(selectors: Sequence[_Selector]) -> str:
    """Weekdays and holidays as OSM writes them; empty for all seven days."""
    days = frozenset().union(*(selector.days for selector in selectors))
    holidays = ["PH"] if any(selector.has_holidays for selector in selectors) else []
    if len(days) == 7 and not holidays:
        return ""
    return ",".join([*_runs(sorted(days)), *holidays])


def _runs(days: list[int]) -> Iterator[str]:
    while days:
        length = next((index for index, day in enumerate(days) if day != days[0] + index), len(days))
        run, days = days[:length], days[length:]
        yield from (_NAMES[day] for day in run) if length < 3 else (f"{_NAMES[run[0]]}-{_NAMES[run[-1]]}",)


def _span(found: re.Match[str], before: Sequence[str], text: str) -> str:
    start = _minutes(found["p1"], found["h1"], found["m1"])
    end = _minutes(found["p2"], found["h2"], found["m2"])
    if start is not None and end is not None and found["p1"] in _AFTERNOON and not found["p2"]:
        end += 720 if end <= 720 and end + 720 > start else 0
    is_bare = not (found["m1"] or found["m2"] or found["p1"] or found["p2"]) and not re.search(
        "[点时]", found[0]
    )
    is_next = found["p2"] in _NEXT_DAY
    if start is None or end is None or is_bare:
        raise _unclear(text)
    if end <= start and not is_next and end > 6 * 60:
        raise _unclear(text)  # 9:00-5:00: five in the morning, or in the afternoon?
    if before and start < _end_of(before[-1]):
        raise _unclear(text)  # 9:00-12:00 2:00-5:00: the second is meant for the afternoon, but says not so
    if end <= start and not is_next and start < 16 * 60:
        raise _unclear(text)
    return f"{_clock(start)}-{_clock(end)}"


def _end_of(span: str) -> int:
    clock = span.split("-")[1]
    return int(clock[:2]) * 60 + int(clock[3:])


def _minutes(part: str | None, hour: str, minute: str | None) -> int | None:
    hours = int(hour)
    minutes = {"半": 30, "整": 0, None: 0}.get(minute)
    minutes = int(minute) if minutes is None and minute else minutes or 0
    if part in _AFTERNOON and hours < 12 and not (part == "中午" and hours == 11):
        hours += 12
    total = hours * 60 + minutes
    return total if total <= 24 * 60 and minutes < 60 else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _unclear(text: str) -> InvalidInputError:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return InvalidInputError(
        f"hours={shown!r} cannot be turned into opening hours without guessing; write for example"
        " 'Mo-Fr 09:00-18:00; Sa,Su off', 周一至周五 9:00-18:00 or 24小时",
        parameter="hours",
        value=shown,
    )


# --- services ---------------------------------------------------------------------------

_SERVICE_WORDS: Mapping[str, str] = {
    "rest": "休息|歇脚|座椅|桌椅|沙发|休憩|小憩|休息区|休息室",
    "hot_water": "热水|开水|热饮水|热水供应|饮用热水",
    "drinking_water": "饮水|饮用水|饮水机|直饮水|喝水|冷热饮水|饮水点|接水|矿泉水|纯净水|供水",
    "microwave": "微波炉|微波",
    "meal_heating": "热饭|加热饭菜|饭菜加热|热餐|加热",
    "fridge": "冰箱|冷藏|冰柜",
    "phone_charging": "充电|手机充电|充电宝|充电插座|插座|充电线|手机充电站|充电设备|应急充电",
    "wifi": "wifi|wi-fi|无线网|无线网络|免费wifi|上网|网络",
    "air_conditioning": "空调|纳凉|冷气|避暑|乘凉|空调避暑",
    "heating": "取暖|暖气|供暖|保暖|避寒",
    "first_aid": "急救|药箱|急救箱|医药箱|应急药箱|药品|常用药|应急药品|医药包|急救包|急救药箱|应急医药箱"
    "|便民药箱",
    "reading": "阅读|图书|读书|看书|图书角|阅读角|书报|书籍|书刊|报刊|图书阅览|阅览",
    "leaflets": "政策资料|宣传资料|政策宣传|政策咨询资料",
    "canteen": "食堂|就餐|用餐|餐厅|老年食堂|用餐区|吃饭",
    "meeting_room": "议事厅|会议室|会议|议事",
    "toilet": "卫生间|厕所|公厕|洗手间|如厕|卫生间使用",
    "shower": "淋浴|洗澡|沐浴|洗浴",
    "locker": "储物柜|储物|寄存|存包|存储柜|物品寄存|储物箱",
    "umbrella": "雨伞|借伞|爱心伞|爱心雨伞|雨伞借用",
    "rain_gear": "雨具|雨衣",
    "tyre_air": "打气|打气筒|免费打气|充气|气筒",
    "tools": "工具|工具箱|维修工具|针线包|便民工具|针线",
    "bike_repair": "修车|车辆维修|电动车维修|维修|自行车维修",
    "bike_charging": "电动车充电|电瓶充电|电瓶车充电|电动自行车充电",
    "battery_swap": "换电|电池更换|电动车换电",
    "rider_meal": "骑手套餐|骑手餐|爱心餐|暖心餐",
    "discount": "折扣|优惠|打折|暖新折扣",
    "haircut": "理发|剪发|理发优惠|美发",
    "laundry": "洗衣|洗衣机",
    "child_care": "托管|儿童托管|托幼",
    "legal_aid": "法律咨询|法律援助|法律服务|普法",
    "counselling": "心理咨询|一对一咨询|心理疏导|心理服务",
    "training": "培训|技能培训|学习培训",
    "parcel": "快递收发|快递|代收快递|收发快递",
    "medical": "看病|诊疗|就诊|义诊",
    "pharmacy": "药店|购药",
    "emergency": "急诊",
}
_LONGEST_WORD = 80
_FILLERS = re.compile(
    "提供|免费|设有|配备|配有|供应|服务|设施|设备|使用|功能|[可有设供等区处间室角点和及与柜台机器]"
)
_BETWEEN = re.compile(r"[,，、;；/|\n\t+＋。·]+|\s{1,}")
YES = frozenset({"有", "是", "√", "✓", "✔", "yes", "y", "true", "1", "提供", "具备", "○", "●", "可"})
NO = frozenset(
    {
        "无",
        "否",
        "×",
        "✗",
        "✕",
        "x",
        "no",
        "n",
        "false",
        "0",
        "没有",
        "不提供",
        "/",
        "-",
        "—",
        "暂无",
        "未配备",
    }
)


def service_of(word: str, catalogue: Catalogue) -> str:
    """
    Find the kind of service one word names.

    Parameters
    ----------
    word
        Chinese or English, such as ``免费热水`` or ``hot_water``.
    catalogue
        Kinds the district knows; its own words count as well.

    Returns
    -------
    kind
        Empty if it names none.

    Examples
    --------
    >>> from geo_service.layers import CATALOGUE
    >>> service_of("免费热水供应", CATALOGUE), service_of("应急药箱", CATALOGUE), service_of("茶艺", CATALOGUE)
    ('hot_water', 'first_aid', '')
    """
    kinds = _kinds_in(unicodedata.normalize("NFKC", word).strip().lower(), catalogue)
    return kinds[0] if len(kinds) == 1 else ""


def _kinds_in(word: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Kinds whose words cover a word from end to end, but for fillers; none if anything is left over."""
    known = _vocabulary(tuple(catalogue.services.items()))
    if word in known or len(word) > _LONGEST:
        return (known[word],) if word in known else ()
    kinds: dict[str, None] = {}
    at = 0
    while at < len(word):
        longest = min(len(word) - at, _LONGEST_WORD)
        length = next((length for length in range(longest, 0, -1) if word[at : at + length] in known), 0)
        if length:
            kinds[known[word[at : at + length]]] = None
        elif found := _FILLERS.match(word, at):
            length = len(found[0])
        else:
            return ()
        at += length
    return tuple(kinds)


@lru_cache(maxsize=16)
def _vocabulary(services: tuple[tuple[str, Words], ...]) -> Mapping[str, str]:
    known: dict[str, str] = {}
    for kind, words in services:
        shapes = (kind, words.zh.lower(), words.en.lower(), *_SERVICE_WORDS.get(kind, kind).split("|"))
        for shape in shapes:
            known.setdefault(shape, kind)
    return known


def services_from_words(text: str, catalogue: Catalogue) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Find the kinds of service a cell lists.

    Parameters
    ----------
    text
        Words between commas, semicolons, ``、`` or blanks.
    catalogue
        Kinds the district knows.

    Returns
    -------
    kinds
        Each once, in the order of the text.
    unknown
        Words that name none.

    Examples
    --------
    >>> from geo_service.layers import CATALOGUE
    >>> services_from_words("热水、微波炉、充电、茶艺", CATALOGUE)
    (('hot_water', 'microwave', 'phone_charging'), ('茶艺',))
    """
    kinds: dict[str, None] = {}
    unknown: dict[str, None] = {}
    words = [word.strip() for word in _BETWEEN.split(text) if word.strip()]
    for word in words:
        if word in YES or word in NO or word in ("等", "及", "和"):
            continue
        found = _kinds_in(unicodedata.normalize("NFKC", word).lower(), catalogue)
        kinds |= dict.fromkeys(found)
        unknown |= {} if found else {word: None}
    return tuple(kinds), tuple(unknown)
