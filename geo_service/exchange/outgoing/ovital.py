"""Places as a list for Ovital (奥维互动地图): one line each, the datum marked in the first column."""

from geo_service.exchange.cells import degrees
from geo_service.exchange.outgoing.job import Job, notice_of
from geo_service.exchange.outgoing.readable import label_of
from geo_service.geo import Datum, convert_datum
from geo_service.layers import Place

_MARKS: dict[Datum, str] = {"wgs84": "", "gcj02": "g ", "bd09": "b "}
_WIDE_BLANK = "\N{IDEOGRAPHIC SPACE}"
_DATUM_NOTES: dict[Datum, str] = {"wgs84": "WGS-84/CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}


def to_ovital(job: Job) -> bytes:
    """
    Write places as lines of longitude, latitude, name and note, separated by single blanks.

    A line starts with ``g`` for GCJ-02 or ``b`` for BD-09; without either, Ovital reads CGCS2000, which is
    WGS 84 to within a metre. Blanks inside a name become wide ones, for a plain one ends it.

    Parameters
    ----------
    job
        Layers of places, in any datum.

    Returns
    -------
    data
        UTF-8 without BOM, which would stand before the mark.
    """
    places = tuple(job.places)
    if not places:
        return b""
    lonlats = convert_datum([(place.lon, place.lat) for place in places], "wgs84", job.datum).tolist()
    lines = (_line(place, lonlat, job) for place, lonlat in zip(places, lonlats, strict=True))
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _line(place: Place, lonlat: list[float], job: Job) -> str:
    name = _one_word(label_of(place))
    said = (
        job.catalogue[place.layer].zh,
        place.address,
        place.hours,
        _DATUM_NOTES[job.datum],
        notice_of(place),
    )
    note = _one_word("；".join(part for part in said if part))
    return f"{_MARKS[job.datum]}{degrees(lonlat[0])} {degrees(lonlat[1])} {name} {note}"


def _one_word(text: str) -> str:
    return _WIDE_BLANK.join(text.split())
