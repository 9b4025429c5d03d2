"""What imports say, in the reader's language: reasons, rows, fields, values. What is not known is shown as it is."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from geo_service.exchange.cells import COLUMNS
from geo_service.exchange.doctor import DATUMS, WORDS
from geo_service.geo import Datum
from geo_service.web.desk.door import here_district, say_lang
from geo_service.web.words import Lang, words_in

WORDS_OF: Mapping[str, str] = {key: words[0] for key, words in WORDS.items()}
"""Name of each datum, the same in both languages."""

_ZH: tuple[tuple[str, str], ...] = (
    (r"the heading means (.+)", "表头就是这个意思"),
    (r"the heading means coordinates, but the cells are none", "表头像坐标，单元格却不是坐标"),
    (r"the heading is not known", "不认识这个表头"),
    (r"the column is empty", "整列为空"),
    (r"the cells are pairs of coordinates", "单元格是成对的坐标"),
    (r"the cells are opening hours", "单元格是开放时间"),
    (r"the cells are phone numbers", "单元格是电话号码"),
    (r"a running number", "流水号"),
    (r"a running number; it changes when rows move; not used as an id", "流水号，行一动就变，不能当编号"),
    (r"values stand twice; not used as an id", "有重复值，不能当编号"),
    (r"values are not 1 to 64 of .+", "值不合编号的规则，不当编号用"),
    (r"names of persons are not kept", "不保存人名"),
    (r"no field for notes", "没有备注字段"),
    (
        r"a place belongs to an area by where it lies, not by a typed name",
        "所属区域按位置判断，不按填写的名称",
    ),
    (r"says nothing about the place itself", "与地点本身无关"),
    (r"a door code is never stored", "门锁密码从不保存"),
    (r"\w+ has no (?:field for it|station_code)", "这个图层没有对应的字段"),
    (r"is for the eye: how the point is drawn or grouped", "只管怎么画、怎么分组"),
    (r"derived from the other columns", "由其他列推算而来"),
    (r"a column of our own exports", "本系统导出的列"),
    (r"a field of the place model", "地点模型的字段"),
    (r"a field of this district", "本片区自定的字段"),
    (r"says yes or no to \w+", "逐行写明有或没有"),
    (r"chosen by hand", "人工选定"),
    (r"'(.+)' was chosen instead", "已改用“{0}”列"),
    (r"'(.+)' is taken for \w+", "已用“{0}”列"),
    (r"coordinates in (\w+) are nearer", "已用 {0} 的坐标"),
    (r"coordinates in the other columns are nearer", "已用另外两列坐标"),
    (r"is no coordinate such as .+", "不是坐标；例：116.442 或 116°26′31″"),
    (r"is no pair of coordinates such as .+", "不是成对的坐标；例：116.442,39.957"),
    (r"is a l\w+, but the column holds l\w+; were lon and lat swapped\?", "经度和纬度是不是写反了？"),
    (
        r"must lie in or near the district \((.+)\); were lon and lat swapped\?",
        "不在本片区附近（{0}），经纬度是不是写反了？",
    ),
    (r"must lie in or near the district \((.+)\)", "不在本片区附近（{0}）"),
    (r"has no lon; give both coordinates, or none", "缺经度；两个坐标都要有，或都不写"),
    (r"has no lat; give both coordinates, or none", "缺纬度；两个坐标都要有，或都不写"),
    (
        r"has neither a name nor a position; take it out if it is a note",
        "没有名称也没有位置；若是注释请删去这行",
    ),
    (r"is the same place as (.+); leave one of them", "与 {0} 是同一处，请只留一行"),
    (r"is (\d+) m from the pin; an entrance is at most (\d+) m from it", "入口离定位点 {0} 米，最多 {1} 米"),
    (r"is a point where an area stands, or the other way round", "点和面对不上"),
    (r"must be 1 to (\d+) characters.*", "需 1 至 {0} 个字符"),
    (r"is missing.*", "缺少"),
    (r"is neither yes nor no", "既不是“有”也不是“无”"),
    (r"is no plain number", "不是数字"),
    (r"names no kind of service we know", "不认识这些服务"),
    (
        r"cannot be turned into opening hours without guessing; the hours stay unknown",
        "无法确定其含义，开放时间暂作不详",
    ),
    (r"is no \w+ we know: .+", "不认识这个说法"),
    (r"heights are not kept", "不保存高程"),
    (r"the file says (\w+); it was read as (\w+)", "文件写的是 {0}，按 {1} 读取"),
    (r"lon and lat were exchanged", "经纬度已对调"),
    (
        r"(\d+) of (\d+) rows lie in the district only if lon and lat are exchanged",
        "{1} 行中有 {0} 行要把经纬度对调才落在本片区",
    ),
    (
        r"nothing is removed while rows are refused or without position.*",
        "有不合格或没有位置的行，暂不删除任何地点",
    ),
    (r"(.+): (.+) was removed at the desk and stays removed", "{0}：{1} 已被维护台移除，不再恢复"),
    (r"(.+): (.+) is said to be removed, and was never here", "{0}：{1} 标为已撤销，库里本来也没有"),
    (r"(\d+) lines? above the headings (?:was|were) skipped.*", "表头上方 {0} 行已跳过"),
)
_RULES = tuple((re.compile(pattern), text) for pattern, text in _ZH)
_WHERE = re.compile(r"(?:sheet '(?P<sheet>.+)' )?row (?P<row>\d+)")


@lru_cache(maxsize=10_000)
def reason_words(text: str, lang: Lang) -> str:
    """
    Put a reason into the language of the page.

    Parameters
    ----------
    text
        As the import gives it, English.
    lang
        Of the page.

    Returns
    -------
    words
        The English text itself if there is no other.

    Examples
    --------
    >>> reason_words("is the same place as row 7; leave one of them", "zh")
    '与 第 7 行 是同一处，请只留一行'
    """
    if lang == "en":
        return text
    for pattern, words in _RULES:
        if found := pattern.fullmatch(text):
            return words.format(*(where_words(part, lang) for part in found.groups()))
    return text


def where_words(where: str, lang: Lang) -> str:
    """
    Put a row's place in its file into the language of the page.

    Parameters
    ----------
    where
        Such as ``row 7``.
    lang
        Of the page.

    Returns
    -------
    words
        The text itself if it is another kind of place.
    """
    found = _WHERE.fullmatch(where)
    if lang == "en" or not found:
        return where
    return (f"“{found['sheet']}”" if found["sheet"] else "") + f"第 {found['row']} 行"


def datum_named(text: str) -> Datum | None:
    """
    Find the datum that a form names.

    Parameters
    ----------
    text
        Of the form.

    Returns
    -------
    datum
        None if it is none.
    """
    return next((one for one in DATUMS if one == text), None)


def field_name(name: str) -> str:
    """
    Name a field of a change as people call it.

    Parameters
    ----------
    name
        As ``changed_fields`` gives it.

    Returns
    -------
    words
        In the language of the page.
    """
    head, _, rest = name.partition(".")
    say, column = words_in(say_lang()), 0 if say_lang() == "zh" else 1
    if name in ("position", "geometry"):
        return say("intake_position")
    if head == "services" and rest:
        words = here_district().catalogue.services.get(rest.partition("#")[0])
        return words[column] if words else rest
    found = next((one for one in COLUMNS if one.key in (name, head, f"{head}_{rest}")), None)
    return (found.zh, found.en)[column].replace("_", " ") if found else name


def shown_value(value: Any) -> str:
    """
    Show a JSON value on one line.

    Parameters
    ----------
    value
        Of a field.

    Returns
    -------
    text
        A dash for nothing.
    """
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ("；" if value and isinstance(value[0], dict) else ", ").join(
            shown_value(one) for one in value
        )
    if isinstance(value, dict):
        kinds, column = here_district().catalogue.services, 0 if say_lang() == "zh" else 1
        named = {**value, "kind": kinds[value["kind"]][column]} if value.get("kind") in kinds else value
        return " ".join(shown_value(one) for one in named.values() if one not in (None, ""))
    return f"{value:.6f}" if isinstance(value, float) and abs(value) > 3 else str(value)
