"""Opening hours as people read them."""

import re

WEEKDAYS = (
    ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
)
"""Days from Monday, Chinese and English."""

_WORDS = {
    "Mo": "周一",
    "Tu": "周二",
    "We": "周三",
    "Th": "周四",
    "Fr": "周五",
    "Sa": "周六",
    "Su": "周日",
    "PH": "节假日",
    "SH": "寒暑假",
    "off": "休息",
    "closed": "休息",
}


def chinese_hours(text: str) -> str:
    """
    Say opening hours in Chinese.

    Parameters
    ----------
    text
        In OSM's syntax.

    Returns
    -------
    words
        Day names and holidays in Chinese; what has no Chinese word stays as it is.

    Examples
    --------
    >>> chinese_hours("Mo-Fr 08:00-12:00,14:00-18:00; Sa,Su off")
    '周一至周五 08:00-12:00、14:00-18:00；周六、周日 休息'
    """
    text = re.sub(r"\bMo-Su\b", "每天", text.replace("24/7", "24 小时"))
    text = re.sub(r"\b(Mo|Tu|We|Th|Fr|Sa|Su)-(?=(Mo|Tu|We|Th|Fr|Sa|Su)\b)", r"\1至", text)
    text = re.sub(r"Mo|Tu|We|Th|Fr|Sa|Su|PH|SH|\boff\b|\bclosed\b", lambda found: _WORDS[found[0]], text)
    return re.sub(r"\s*;\s*", "；", re.sub(r"\s*,\s*", "、", text))
