"""What every format is given to write, and what every file says of itself: datum, day, licence, made up or not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from geo_service.exchange.navlinks import LinkSettings
from geo_service.geo import Datum
from geo_service.layers import SYNTHETIC, Catalogue, Category, Feature, Layer, Place, Words

DATUM_WORDS: dict[Datum, str] = {
    "wgs84": "WGS-84 (EPSG:4326)",
    "gcj02": "GCJ-02 火星坐标，非 WGS-84 (not WGS-84)",
    "bd09": "BD-09 百度坐标，非 WGS-84 (not WGS-84)",
}
OSM_CREDIT = "© OpenStreetMap 贡献者 contributors (ODbL, https://www.openstreetmap.org/copyright)"
SYNTHETIC_NOTICE = Words("虚构数据，不代表真实地点", "Synthetic: made up, no real place")
_EARLIEST = date(2000, 1, 1)
_MOST_NAMED = 3  # more layers than that are counted in a title
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Line(NamedTuple):
    """One thing a file says of itself."""

    zh: str
    en: str
    text: str


@dataclass(frozen=True)
class Job:
    """
    Layers to be written, and how.

    Parameters
    ----------
    layers
        What goes out, already without the places that stay behind.
    catalogue
        Categories and kinds of service of the district.
    datum
        Of the coordinates in the file.
    district
        Id of the district; may be empty.
    title
        Its name; may be empty.
    links
        Who we say we are to map apps.
    """

    layers: tuple[Layer, ...]
    catalogue: Catalogue
    datum: Datum = "wgs84"
    district: str = ""
    title: str = ""
    links: LinkSettings = LinkSettings()  # noqa: RUF009 - frozen

    def category(self, layer: Layer) -> Category:
        """Category of a layer."""
        return self.catalogue[layer.name]

    @property
    def features(self) -> Iterator[Feature]:
        """All features, layer by layer."""
        return (feature for layer in self.layers for feature in layer.features)

    @property
    def places(self) -> Iterator[Place]:
        """All places, layer by layer."""
        return (feature for feature in self.features if isinstance(feature, Place))

    @property
    def name(self) -> str:
        """What the file is called inside."""
        words = " · ".join(self.category(layer).zh for layer in self.layers[:_MOST_NAMED])
        if len(self.layers) > _MOST_NAMED:
            words = f"{len(self.layers)} 个图层 layers"
        return " ".join(part for part in (self.title or self.district, words) if part)

    @property
    def on(self) -> date:
        """Day of the data: the latest check or change of status; never today, so that bytes repeat."""
        days = [one.on for feature in self.features for one in feature.provenance.checked.values()]
        days += [feature.status_from for feature in self.features if feature.status_from]
        return max(days, default=_EARLIEST)


def is_from_osm(feature: Feature) -> bool:
    """
    Whether anything of a feature was taken from OpenStreetMap.

    Parameters
    ----------
    feature
        The place or area.

    Returns
    -------
    is_from_osm
        True if its licence, source or ids say so.
    """
    said = f"{feature.provenance.licence} {feature.provenance.source}".lower()
    has_id = isinstance(feature, Place) and "osm" in feature.external_ids
    return has_id or "odbl" in said or "openstreetmap" in said or "osm" in said.split()


def notice_of(feature: Feature) -> str:
    """
    Say what must be said beside one feature wherever it goes.

    Parameters
    ----------
    feature
        The place or area.

    Returns
    -------
    notice
        That it is made up, or whose data it is; empty if neither.
    """
    said = [" ".join(SYNTHETIC_NOTICE)] if feature.provenance.source == SYNTHETIC else []
    return "; ".join([*said, *([OSM_CREDIT] if is_from_osm(feature) else [])])


def about(job: Job) -> tuple[Line, ...]:
    """
    Say what a file is: its datum, day, licences, credits, and whether it is made up.

    Parameters
    ----------
    job
        What is written.

    Returns
    -------
    lines
        In Chinese and English, in the order in which they are shown.
    """
    features = tuple(job.features)
    made_up = [feature.provenance.source == SYNTHETIC for feature in features]
    licences = sorted({feature.provenance.licence for feature in features if feature.provenance.licence})
    lines = [
        Line("内容", "Content", job.name),
        Line("坐标基准", "Datum", DATUM_WORDS[job.datum]),
        Line("数据日期", "Data as of", job.on.isoformat()),
        Line("许可", "Licence", ", ".join(licences) or "未注明 not stated"),
    ]
    if any(map(is_from_osm, features)):
        lines.append(Line("署名", "Credit", OSM_CREDIT))
    if any(made_up):
        scope = Words("全部为", "all") if all(made_up) else Words("部分为", "some")
        text = f"{scope.zh}{SYNTHETIC_NOTICE.zh}。{SYNTHETIC_NOTICE.en} ({scope.en} of {len(features)})."
        lines.append(Line("提示", "Notice", text))
    return tuple(lines)


def about_text(job: Job) -> str:
    """
    Join what a file says of itself into one text.

    Parameters
    ----------
    job
        What is written.

    Returns
    -------
    text
        One line per thing.
    """
    return "\n".join(f"{line.zh} {line.en}: {line.text}" for line in about(job))


def xml_text(text: str) -> str:
    """
    Make a text fit to stand in XML, in an element as well as in quotes.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    escaped
        Without what XML cannot carry; ``& < > "`` as entities.
    """
    plain = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
