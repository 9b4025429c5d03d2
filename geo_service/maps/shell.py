"""
The shell of a district's map, made by folium and taken apart.

folium builds the map object and names its libraries. Its own document is left aside: it has no
language, forbids zooming and carries inline script, which a strict Content-Security-Policy
blocks. A page puts ``body_html`` in its own document and loads ``script`` as a file.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from folium.elements import JSCSSMixin
from folium.template import Template

from geo_service.errors import InvalidInputError
from geo_service.maps.assets import CLUSTER, PROTOMAPS

MIN_ZOOM, MAX_ZOOM = 11, 19
"""Display zooms; without a largest one, clusters cannot be computed."""

HANDLE = "districtMap"
"""Name under which the page's own script finds the map."""

_id_lock = threading.Lock()


@dataclass(frozen=True)
class Shell:
    """
    What a page needs to show a map.

    Parameters
    ----------
    scripts
        Paths of library scripts inside the static folder, in order.
    styles
        Paths of library style sheets inside the static folder, in order.
    body_html
        The element that holds the map.
    script
        What creates the map; leaves it as ``window.districtMap``.
    """

    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    body_html: str
    script: str

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with the script."""
        return hashlib.sha256(self.script.encode()).hexdigest()[:16]


class _Handle(JSCSSMixin, MacroElement):
    """Hands the map to the page's script, and brings the libraries for clusters and tiles along."""

    default_js = [  # noqa: RUF012 - folium's own form
        ("markerclusterjs", f"{CLUSTER}leaflet.markercluster.js"),
        ("protomaps", f"{PROTOMAPS}protomaps-leaflet.js"),
    ]
    default_css = [("markerclustercss", f"{CLUSTER}MarkerCluster.css")]  # noqa: RUF012

    _template = Template(
        "{% macro script(this, kwargs) %}\nwindow."
        + HANDLE
        + " = {{ this._parent.get_name() }};\n{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Handle"


def build_shell(
    bbox: tuple[float, float, float, float], centre: tuple[float, float], zoom: int = 16
) -> Shell:
    """
    Build the map shell of a district.

    Parameters
    ----------
    bbox
        West, south, east, north, WGS 84 degrees; the map cannot be dragged far out of it.
    centre
        Longitude, latitude of the first view.
    zoom
        Zoom of the first view.

    Returns
    -------
    shell
        Byte-equal for equal arguments.

    Raises
    ------
    InvalidInputError
        If the box is empty or the zoom outside 11 to 19.

    Examples
    --------
    >>> shell = build_shell((116.43, 39.94, 116.47, 39.98), (116.45, 39.96))
    >>> shell.body_html
    '<div class="folium-map" id="map_6" ></div>'
    >>> shell.scripts[0]
    'vendor/leaflet-1.9.4/leaflet.js'
    """
    west, south, east, north = bbox
    if not (west < east and south < north and MIN_ZOOM <= zoom <= MAX_ZOOM):
        raise InvalidInputError(
            f"bbox={bbox} zoom={zoom} shows nothing; give W<E, S<N and a zoom of {MIN_ZOOM} to {MAX_ZOOM}"
        )
    margin_lon, margin_lat = (east - west) / 2, (north - south) / 2
    with numbered_ids():
        figure = Figure()
        district_map = folium.Map(
            location=[centre[1], centre[0]],
            tiles=None,
            zoom_start=zoom,
            min_zoom=MIN_ZOOM,
            max_zoom=MAX_ZOOM,
            maxZoom=MAX_ZOOM,
            minZoom=MIN_ZOOM,
            max_bounds=True,
            min_lat=round(south - margin_lat, 6),
            max_lat=round(north + margin_lat, 6),
            min_lon=round(west - margin_lon, 6),
            max_lon=round(east + margin_lon, 6),
            zoom_control=False,
            attributionControl=False,
        )
        district_map.add_to(figure)
        _Handle().add_to(district_map)
        figure.render()
        return _take_apart(figure)


def _take_apart(figure: Figure) -> Shell:
    parts = figure.header._children.values()
    scripts = tuple(part.url for part in parts if isinstance(part, JavascriptLink))
    styles = tuple(part.url for part in parts if isinstance(part, CssLink))
    return Shell(scripts, styles, figure.html.render().strip(), _tidy(figure.script.render()))


def _tidy(script: str) -> str:
    lines = (line.rstrip() for line in script.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


@contextmanager
def numbered_ids() -> Iterator[None]:
    """Number elements instead of naming them at random, so that a map is the same each time."""
    with _id_lock:
        original = Element.__dict__["_generate_id"]
        numbers = iter(range(1, 1_000_000))
        # folium offers no other place to set an id: the class is patched while one map is built
        type.__setattr__(Element, "_generate_id", classmethod(lambda _: str(next(numbers))))
        try:
            yield
        finally:
            type.__setattr__(Element, "_generate_id", original)
