"""
A map to hand on: one HTML file that opens from a USB stick, with no network and no server.

folium makes the map, its groups and the switch between them; libraries, styles, tiles and places are put into the
file. Its Content-Security-Policy lets run what we put there, by hash, and forbids every request. Names and other
people's words travel as data and become text nodes, never markup and never a string of script.
"""

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import orjson
from branca.element import CssLink, Figure, JavascriptLink, MacroElement
from folium.template import Template

from geo_service.errors import InvalidInputError
from geo_service.layers import Area, Category, Layer, Place, Words, is_active
from geo_service.maps.rows import area_rows, place_rows
from geo_service.maps.shell import MAX_ZOOM, MIN_ZOOM, numbered_ids
from geo_service.maps.tiles import Tiles

TILES_LIMIT = 12_000_000
"""Bytes of tiles in one file; of a larger basemap the closest zooms stay behind, and the map is drawn coarser."""

CREDIT = "© OpenStreetMap 贡献者 (ODbL)"


@dataclass(frozen=True)
class ShareFacts:
    """
    What the file says of itself.

    Parameters
    ----------
    title_zh, title_en
        Name of the district.
    bbox, centre
        Where it is, WGS 84 degrees.
    on
        Day it is made for; who is not in use on it is left out.
    synthetic
        Whether streets and places are made up.
    map_approval
        Approval number of the map (审图号), None if there is none.
    purpose
        What the map is, after the title.
    lines
        Further lines that can be opened below it.
    """

    title_zh: str
    title_en: str
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    on: date
    synthetic: bool
    map_approval: str | None
    purpose: str = "骑手友好地图"
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class SharedMap:
    """
    The file.

    Parameters
    ----------
    html
        Its bytes, UTF-8.
    features
        How many places and areas of each layer are on it.
    maxzoom
        Largest zoom of the tiles inside; None if there is no basemap.
    """

    html: bytes
    features: Mapping[str, int]
    maxzoom: int | None


def build_share(
    facts: ShareFacts,
    layers: Sequence[tuple[Category, Layer]],
    services: Mapping[str, Words],
    tiles: Tiles | None,
    static: Path,
) -> SharedMap:
    """
    Build a map to hand on.

    Parameters
    ----------
    facts
        What it says of itself.
    layers
        What is on it, each with its category.
    services
        Kinds of service by key.
    tiles
        The basemap; without one the ground stays plain.
    static
        Folder of the vendored libraries.

    Returns
    -------
    shared
        Byte-equal for equal arguments.

    Raises
    ------
    InvalidInputError
        If no layer is named.
    """
    if not layers:
        raise InvalidInputError("no layer is named, so the map would be empty", parameter="layer", value=None)
    held = [(category, [f for f in layer.features if is_active(f, facts.on)]) for category, layer in layers]
    counts = {category.key: len(features) for category, features in held}
    filled = {category.key: _layer_json(category, features, services) for category, features in held}
    with numbered_ids():
        groups = [
            (category.key, category.colour, _group(category, counts[category.key])) for category, _ in held
        ]
        return write_shared(facts, groups, filled, counts, tiles, static)


Group = tuple[str, str, folium.map.Layer]
"""Key, colour, and what folium switches on and off."""


def write_shared(
    facts: ShareFacts,
    groups: Sequence[Group],
    filled: Mapping[str, Any],
    counts: Mapping[str, int],
    tiles: Tiles | None,
    static: Path,
) -> SharedMap:
    """
    Write groups and what fills them into one file; folium's names are numbered by who calls.

    Parameters
    ----------
    facts
        What the file says of itself.
    groups
        In the order of the switch.
    filled
        What stands in each, as ``share.js`` reads it.
    counts
        How much that is.
    tiles, static
        As for `build_share`.

    Returns
    -------
    shared
        Byte-equal for equal arguments.
    """
    packed, maxzoom = _tiles_inside(tiles)
    data = {
        "layers": filled,
        "tiles": packed,
        "ground": {"minzoom": tiles.minzoom, "maxzoom": maxzoom, "bbox": list(tiles.bbox)} if tiles else None,
        "box": list(facts.bbox),
        "centre": list(facts.centre),
    }
    return SharedMap(_document(facts, groups, data, static).encode(), counts, maxzoom)


def _tiles_inside(tiles: Tiles | None) -> tuple[dict[str, str], int | None]:
    """Tiles in base64, from the smallest zoom on as far as the limit goes."""
    if tiles is None:
        return {}, None
    by_zoom: dict[int, dict[str, bytes]] = {}
    for tile, packed in tiles.every():
        by_zoom.setdefault(tile.z, {})[f"{tile.z}/{tile.x}/{tile.y}"] = packed
    inside: dict[str, str] = {}
    left, maxzoom = TILES_LIMIT, tiles.minzoom
    for zoom, group in sorted(by_zoom.items()):
        left -= sum(map(len, group.values()))
        if left < 0 and inside:
            break
        inside |= {key: base64.b64encode(packed).decode() for key, packed in sorted(group.items())}
        maxzoom = zoom
    return inside, maxzoom


def _layer_json(
    category: Category, features: Sequence[Place | Area], services: Mapping[str, Words]
) -> dict[str, Any]:
    places = [place_rows(f, services) for f in features if isinstance(f, Place)]
    areas = [{"geometry": f.geometry, **area_rows(f)} for f in features if isinstance(f, Area)]
    return {"pin": category.pin, "colour": category.colour, "places": places, "areas": areas}


# --- folium's part --------------------------------------------------------------------------------


class _Groups(MacroElement):
    """Hands the map and its groups to the script that fills them."""

    _template = Template(
        "{% macro script(this, kwargs) %}\nwindow.shared = {map: {{ this._parent.get_name() }}, "
        "control: {{ this.control }}, groups: { "
        "{% for key, name in this.names %}{{ key | tojson }}: {{ name }},{% endfor %}"
        "}};\n{% endmacro %}"
    )

    def __init__(self, names: Sequence[tuple[str, str]], control: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Groups"
        self.names, self.control = names, control


def _folium_map(facts: ShareFacts, groups: Sequence[Group]) -> Figure:
    figure = Figure()
    shared = folium.Map(
        location=[facts.centre[1], facts.centre[0]],
        tiles=None,
        zoom_start=15,
        min_zoom=MIN_ZOOM,
        max_zoom=MAX_ZOOM,
        maxZoom=MAX_ZOOM,
        minZoom=MIN_ZOOM,
        zoom_control="bottomright",
        attributionControl=False,
    )
    shared.add_to(figure)
    names = []
    for key, _, group in groups:
        group.add_to(shared)
        names.append((key, group.get_name()))
    control = folium.LayerControl(position="topright", collapsed=False)
    control.add_to(shared)
    _Groups(names, control.get_name()).add_to(shared)
    figure.render()
    return figure


def _group(category: Category, count: int) -> folium.map.Layer:
    label = switch_label(category.key, category.pin, category.zh, category.en, count)
    if category.is_area:
        return folium.FeatureGroup(name=label)
    options = {"disableClusteringAtZoom": 17, "maxClusterRadius": 36, "showCoverageOnHover": False}
    return folium.plugins.MarkerCluster(  # type: ignore[no-untyped-call]
        name=label, icon_create_function="window.clusterIcon", **options
    )


def switch_label(key: str, pin: str, zh: str, en: str, count: int) -> str:
    """
    Say a group on the switch.

    Parameters
    ----------
    key
        Its key, a word of ours.
    pin, zh, en
        A character, and its name in two languages.
    count
        How much is in it.

    Returns
    -------
    label
        Markup, which Leaflet's switch takes; texts are escaped.
    """
    pin, zh, en = (html.escape(text) for text in (pin, zh, en))
    return f'<i class="dot c-{key}">{pin}</i> {zh} <small>{en} · {count}</small>'


# --- the document ---------------------------------------------------------------------------------


def _document(facts: ShareFacts, groups: Sequence[Group], data: Mapping[str, Any], static: Path) -> str:
    figure = _folium_map(facts, groups)
    parts = list(figure.header._children.values())
    libraries = [_read(static / part.url) for part in parts if isinstance(part, JavascriptLink)]
    sheets = [_with_pictures(static / part.url) for part in parts if isinstance(part, CssLink)]
    body, making = figure.html.render(), figure.script.render()
    libraries.append(_read(static / "vendor/protomaps-leaflet-5.1.0/protomaps-leaflet.js"))
    basemap = _read(static / "basemap.js").replace("export function", "function")
    module = basemap + _own("share.js")
    scripts = [*libraries, _CLUSTERS, making]
    styles = [*sheets, _colours(groups) + _own("share.css")]
    page: str = Template(_own("share.html")).render(
        facts=facts,
        policy=_policy([*scripts, module], styles),
        styles=styles,
        scripts=scripts,
        module=module,
        body=body,
        data=_as_data(data),
        credit=CREDIT,
    )
    return page


_CLUSTERS = """
window.clusterIcon = (cluster) => {
  const disc = document.createElement("div");
  disc.className = `cluster ${cluster.getAllChildMarkers()[0].options.kind}`;
  disc.textContent = cluster.getChildCount();
  return L.divIcon({ html: disc, className: "", iconSize: [40, 40] });
};
"""
"""What folium's script refers to while it runs."""


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _read(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    # a script ends where its text says so, wherever that stands
    return text.replace("</script", r"<\/script")


def _with_pictures(path: Path) -> str:
    """A style sheet with its pictures inside."""

    def inside(found: re.Match[str]) -> str:
        picture = path.parent / found[1]
        if not picture.is_file():
            return "none"
        return f"url(data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()})"

    return re.sub(r"url\(([^)#]+)\)", inside, path.read_text(encoding="utf-8"))


def _colours(groups: Sequence[Group]) -> str:
    return "".join(f".c-{key}{{--pin:{colour}}}\n" for key, colour, _ in groups)


def _as_data(value: object) -> str:
    """JSON that no text inside can end: the browser never sees a tag in it."""
    return (
        orjson.dumps(value)
        .decode()
        .replace("<", r"\u003c")
        .replace("\u2028", r"\u2028")
        .replace("\u2029", r"\u2029")
    )


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    def hashes(texts: Sequence[str]) -> str:
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    parts = (
        "default-src 'none'",
        f"script-src {hashes(scripts)}",
        f"style-src {hashes(styles)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(parts)
