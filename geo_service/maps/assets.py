"""
folium with local assets only.

folium's classes carry lists of addresses on foreign hosts. The lists belong to the classes,
not to a map, so they are replaced once, here, when this package is imported: what we keep a
copy of points into our own static folder, the rest is dropped.
"""

import importlib
import pkgutil
from collections.abc import Iterator

import folium.plugins
from folium.elements import JSCSSMixin

LEAFLET = "vendor/leaflet-1.9.4/"
CLUSTER = "vendor/leaflet.markercluster-1.5.3/"
PROTOMAPS = "vendor/protomaps-leaflet-5.1.0/"

LOCAL = {
    "leaflet": f"{LEAFLET}leaflet.js",
    "leaflet_css": f"{LEAFLET}leaflet.css",
    "markerclusterjs": f"{CLUSTER}leaflet.markercluster.js",
    "markerclustercss": f"{CLUSTER}MarkerCluster.css",
}
"""folium's name of an asset → path of our copy inside the static folder."""


def localise() -> None:
    """Let every folium class ask for our copies only; a class without one asks for nothing."""
    for module in pkgutil.iter_modules(folium.plugins.__path__, "folium.plugins."):
        importlib.import_module(module.name)
    for cls in _subclasses(JSCSSMixin):
        # BoatMarker calls its script by the cluster's name
        local = {} if cls.__name__ == "BoatMarker" else LOCAL
        for attribute in ("default_js", "default_css"):
            links = cls.__dict__.get(attribute)
            if links:
                setattr(cls, attribute, [(name, local[name]) for name, _ in links if name in local])


def _subclasses(cls: type[object]) -> Iterator[type[object]]:
    for child in type.__subclasses__(cls):
        yield child
        yield from _subclasses(child)


localise()
