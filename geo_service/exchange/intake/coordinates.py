"""
Degrees as people write them: decimal, with minutes and seconds, with a letter, both in one cell.

Nothing is guessed: a text that can be read in two ways is refused.
"""

import re
import unicodedata
from typing import NamedTuple

_SIGNS = str.maketrans(
    {
        "º": "°",
        "˚": "°",
        "度": "°",
        "’": "'",
        "‘": "'",
        "′": "'",
        "分": "'",
        "´": "'",
        "`": "'",
        "”": '"',
        "“": '"',
        "″": '"',
        "秒": '"',
        "−": "-",
        "–": "-",
        "，": ",",
        "；": ";",
        "、": ",",
        "（": "(",
        "）": ")",
        "。": ".",
    }
)
_WORDS = (
    (re.compile(r"东经|東經|经度|longitude|lng|lon", re.I), "E"),
    (re.compile(r"北纬|北緯|纬度|latitude|lat", re.I), "N"),
    (re.compile(r"西经|西經", re.I), "W"),
    (re.compile(r"南纬|南緯", re.I), "S"),
)
_PLAIN = r"\d{1,3}(?:\.\d{1,20})?"
_DEGREES = re.compile(
    rf"(?P<before>[NSEW])?\s*:?\s*(?P<sign>[+-])?\s*(?P<d>{_PLAIN})\s*°?"
    rf"(?:\s*(?<=[°\s])(?P<m>\d{{1,2}}(?:\.\d{{1,20}})?)\s*'?(?:\s*(?<=['\s])(?P<s>\d{{1,2}}(?:\.\d{{1,20}})?)\s*(?:\"|'')?)?)?"
    r"\s*(?P<after>[NSEW])?",
    re.IGNORECASE,
)
_POINT_WKT = re.compile(r"POINT\s*\(\s*([^()]+?)\s*\)", re.IGNORECASE)


class Degrees(NamedTuple):
    """One coordinate: degrees, and ``lon``, ``lat`` or empty where the text does not say which."""

    value: float
    axis: str


class Pair(NamedTuple):
    """Longitude and latitude of one cell, and whether they stood there the other way round."""

    lon: float
    lat: float
    was_lat_first: bool


def plain(text: str) -> str:
    """
    Write full-width digits and signs as ASCII, and the many signs for degrees, minutes and seconds as one each.

    Parameters
    ----------
    text
        A cell.

    Returns
    -------
    text
        The same without blanks around.

    Examples
    --------
    >>> plain("１１６．４４２"), plain("39度57分8秒")
    ('116.442', '39°57\\'8"')
    """
    for pattern, letter in _WORDS:
        text = pattern.sub(letter, text)
    # signs first: NFKC would take some of them apart
    return unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).strip()


def parse_degrees(text: str) -> Degrees | None:
    """
    Read one coordinate.

    Parameters
    ----------
    text
        Such as ``116.442``, ``39°57′08″N``, ``东经116度26分``, ``116 26 31.2``, ``116.44 E``.

    Returns
    -------
    degrees
        None if it is no coordinate, minutes or seconds are 60 or more, or sign and letter disagree.

    Examples
    --------
    >>> parse_degrees("39°57′09″N"), parse_degrees("116.442"), parse_degrees("39°61′")
    (Degrees(value=39.9525, axis='lat'), Degrees(value=116.442, axis=''), None)
    """
    found = _DEGREES.fullmatch(plain(text)) if len(text) <= 100 else None
    if not found or (found["before"] and found["after"]):
        return None
    minutes, seconds = float(found["m"] or 0), float(found["s"] or 0)
    if (
        minutes >= 60
        or seconds >= 60
        or (found["m"] and "." in found["d"])
        or (found["s"] and "." in found["m"])
    ):
        return None
    letter = (found["before"] or found["after"] or "").upper()
    if letter and found["sign"]:
        return None
    value = float(found["d"]) + minutes / 60 + seconds / 3600
    if found["sign"] == "-" or letter in ("S", "W"):
        value = -value
    axis = {"": "", "N": "lat", "S": "lat", "E": "lon", "W": "lon"}[letter]
    return Degrees(round(value, 10), axis)


def parse_pair(text: str) -> Pair | None:
    """
    Read both coordinates of one cell.

    Which is which is told by letters (N, E, 东经 …), or by size: what is beyond 90 can only be a longitude. Two
    numbers that both could be either are read as longitude, latitude.

    Parameters
    ----------
    text
        Such as ``116.44,39.95``, ``(39.95 116.44)``, ``39°57′08″N 116°26′31″E``, ``POINT(116.44 39.95)``.

    Returns
    -------
    pair
        None if it is no pair of coordinates.

    Examples
    --------
    >>> parse_pair("116.44，39.95"), parse_pair("(39.95 116.44)")
    (Pair(lon=116.44, lat=39.95, was_lat_first=False), Pair(lon=116.44, lat=39.95, was_lat_first=True))
    """
    if len(text) > 200:
        return None
    body = plain(text)
    if found := _POINT_WKT.fullmatch(body):
        body = found[1]
    body = body.strip("()[]{} \t")
    for first, second in _halves(body):
        one, other = parse_degrees(first), parse_degrees(second)
        if one and other:
            return _paired(one, other)
    return None


def _halves(body: str) -> list[tuple[str, str]]:
    """Ways to cut a cell in two: at its one comma or the like, else at a blank with as many words on both sides."""
    for sign in (",", ";", "/", "|", "\t"):
        if sign in body:
            parts = [part for part in body.split(sign) if part.strip()]
            return [(parts[0], parts[1])] if len(parts) == 2 else []
    if found := re.fullmatch(
        r"([^NSEW]*[NSEW])\s*([^NSEW]*[NSEW])|([NSEW][^NSEW]*)([NSEW][^NSEW]*)", body, re.I
    ):
        halves = [part for part in found.groups() if part]
        return [(halves[0], halves[1])]
    words = body.split()
    middle = len(words) // 2
    return [(" ".join(words[:middle]), " ".join(words[middle:]))] if words and len(words) % 2 == 0 else []


def _paired(one: Degrees, other: Degrees) -> Pair | None:
    axes = {one.axis, other.axis}
    if one.axis and one.axis == other.axis:
        return None
    by_letter = one.axis == "lat" or other.axis == "lon"
    by_size = axes == {""} and abs(one.value) <= 90 < abs(other.value)
    return Pair(other.value, one.value, True) if by_letter or by_size else Pair(one.value, other.value, False)
