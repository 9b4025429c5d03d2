"""
Names, phones and hours brought to one form, so that two spellings of one thing compare equal.
"""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache

_SPACE_OR_MARK = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"[(\[{【〔〈《「『][^()\[\]{}【】〔〕〈〉《》「」『』]*[)\]}】〕〉》」』]")
_PLAIN = frozenset(
    {
        "公共厕所",
        "公厕",
        "卫生间",
        "厕所",
        "充电站",
        "充电桩",
        "换电站",
        "换电柜",
        "饮水点",
        "饮水机",
        "诊所",
        "驿站",
    }
)
_NUMERALS = str.maketrans("零〇一二三四五六七八九两", "001234567892")
_NUMERAL_RUN = re.compile(r"[零〇一二三四五六七八九两十百]+(?=号|层|楼|店|站|院|栋|座|区|期|$)")
_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=100_000)
def squeeze(text: str) -> str:
    """
    Fold width and case, and drop blanks and punctuation.

    Parameters
    ----------
    text
        A name or an address.

    Returns
    -------
    text
        What is left, in Unicode form NFKC.

    Examples
    --------
    >>> squeeze("ＫＦＣ 肯德基（柳芳 店）")
    'kfc肯德基柳芳店'
    """
    return _SPACE_OR_MARK.sub("", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=100_000)
def normal_name(name: str) -> str:
    """
    Bring a name to one form: width, case, blanks, punctuation, and numbers written as words.

    Parameters
    ----------
    name
        As the sign or the list has it.

    Returns
    -------
    name
        Equal for spellings of one name; brackets keep what they hold, for branches differ in it.

    Examples
    --------
    >>> normal_name("香河园 第十二号站（北门）") == normal_name("香河园第12号站(北门)")
    True
    """
    return _NUMERAL_RUN.sub(lambda found: _number(found.group()), squeeze(name))


def _number(text: str) -> str:
    """Digits of a Chinese numeral below a thousand, digit by digit where it has no tens."""
    if "十" not in text and "百" not in text:
        return text.translate(_NUMERALS)
    hundreds, _, rest = text.rpartition("百")
    tens, ten, ones = rest.partition("十") if "十" in rest else ("", "", rest)
    parts = [part.translate(_NUMERALS) for part in (hundreds, tens, ones)]
    if len(parts[0]) > 1 or len(parts[1]) > 1 or len(parts[2].removeprefix("0")) > 1:
        return text
    value = 100 * int(parts[0] or ("百" in text)) + 10 * int(parts[1] or bool(ten)) + int(parts[2] or 0)
    return str(value)


@lru_cache(maxsize=100_000)
def stem_of(name: str) -> str:
    """
    Name of the business without its branch: what stands in brackets, and a branch after the last mark, goes.

    Parameters
    ----------
    name
        As the sign or the list has it.

    Returns
    -------
    stem
        Normalised; the whole normalised name if nothing else would be left.

    Examples
    --------
    >>> stem_of("肯德基（柳芳店）"), stem_of("暖蜂驿站·西坝河")
    ('肯德基', '暖蜂驿站')
    """
    text = unicodedata.normalize("NFKC", name)
    before = ""
    while before != text:
        before, text = text, _BRACKETS.sub("", text)
    stem = normal_name(re.split(r"[·•・|/]", text)[0])
    return stem if len(stem) >= 2 else normal_name(name)


def numbers_in(name: str) -> tuple[str, ...]:
    """
    Numbers of a normalised name; two places of one chain often differ in nothing else.

    Parameters
    ----------
    name
        As `normal_name` gives it.

    Returns
    -------
    numbers
        Without leading zeros, in their order.

    Examples
    --------
    >>> numbers_in("03号站b2")
    ('3', '2')
    """
    return tuple(found.lstrip("0") or "0" for found in _DIGITS.findall(name))


@lru_cache(maxsize=100_000)
def phones_of(text: str | None) -> frozenset[str]:
    """
    Telephone numbers in a text, each without area and country code; shorter than seven digits is none.

    Parameters
    ----------
    text
        One number or several; None has none.

    Returns
    -------
    numbers
        The same number written in two ways is equal: 010-6400 1234 and +86 10 64001234.

    Examples
    --------
    >>> sorted(phones_of("010-6400 1234、13812345678"))
    ['12345678x138', '64001234']
    """
    parts = re.split(r"[,;/、，；]|转", unicodedata.normalize("NFKC", text or ""))
    return frozenset(number for part in parts if (number := _phone("".join(_DIGITS.findall(part)))))


def _phone(digits: str) -> str:
    digits = digits.removeprefix("0086")
    if len(digits) > 11 and digits.startswith("86"):
        digits = digits[2:]
        digits = digits if digits.startswith("1") and len(digits) == 11 else f"0{digits}"
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[3:]}x{digits[:3]}"  # a mobile number is never a landline with area code
    if digits.startswith("0"):
        digits = digits[3 if digits[1:2] in ("1", "2") else 4 :]
    return digits[-8:] if len(digits) >= 7 else ""


@lru_cache(maxsize=200_000)
def name_score(one: str, other: str) -> tuple[float, str]:
    """
    Say how much two names speak for one place.

    Numbers that differ make two branches of the likest names; a name that any such place bears
    (``公共厕所``) says less.

    Parameters
    ----------
    one, other
        As their signs or lists have them.

    Returns
    -------
    score
        From 0 to 0.6.
    word
        ``same_name``, ``same_stem``, ``like_name`` or empty.

    Examples
    --------
    >>> name_score("暖蜂驿站（北门）", "暖蜂驿站")
    (0.45, 'same_stem')
    >>> name_score("暖蜂驿站3号", "暖蜂驿站5号")
    (0.0, '')
    """
    a, b = normal_name(one), normal_name(other)
    if a == b:
        return (0.4 if a in _PLAIN else 0.6), "same_name"
    if numbers_in(a) != numbers_in(b) and numbers_in(a) and numbers_in(b):
        return 0.0, ""
    stem, other_stem = stem_of(one), stem_of(other)
    if stem == other_stem or a.startswith(b) or b.startswith(a):
        branches = stem == other_stem and a != stem and b != other_stem
        return (0.2, "same_stem") if branches or stem in _PLAIN else (0.45, "same_stem")
    likeness = SequenceMatcher(None, a, b, autojunk=False).ratio()
    return (0.45 * likeness, "like_name") if likeness >= 0.6 else (0.0, "")
