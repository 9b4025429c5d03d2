"""
What a phone needs to write the links into map apps itself: templates, encoded once, and where the shift applies.

The page's ``links/links.js`` fills them; a test in the browser holds it to `navlinks.build_links`, letter by letter.
"""

from collections.abc import Mapping
from typing import Any, get_args

import shapely

from geo_service.exchange.navapps import REGISTRY, LinkSettings, LinkTarget
from geo_service.exchange.navlinks import FALLBACK, sender_texts
from geo_service.geo import Extent, build_outline

_SHOWS_PLACE = "place"
"""Key of the template for mode None: JSON has no such key."""

_AROUND_DEG = 0.05
"""How far around a district its riders may be sent: the next stop may lie a few kilometres outside."""


def link_templates(
    bbox: tuple[float, float, float, float], settings: LinkSettings | None = None
) -> dict[str, Any]:
    """
    Give the templates of every app that can lead to places of a district, as JSON values.

    Parameters
    ----------
    bbox
        Of the district: west, south, east, north, WGS 84 degrees.
    settings
        Names and keys; None for the defaults, which have no keys.

    Returns
    -------
    templates
        ``modes``: the modes to try for each wish, in turn. ``extents``: for each extent whether all around the
        district lies in it (true), none of it (false), or the rings of the part that does. ``targets``: one row per
        app and platform, in the order of the buttons: ``templates`` from mode (``"place"``: only shows it) to a
        link with the holes ``{lon} {lat} {name}``, ``datum`` inside the extent ``shifted_in`` (WGS 84 elsewhere),
        ``reserved`` characters of a name, ``mainland_only``, ``package``, both names, the warning,
        ``evidence``, ``verified_on``. Apps without a link (the WeChat payload) or without their key are left out.

    Examples
    --------
    >>> templates = link_templates((116.42, 39.94, 116.46, 39.975))
    >>> templates["extents"]["mainland"]
    True
    >>> next(t for t in templates["targets"] if t["id"] == "organic")["templates"]
    {'place': 'om://map?v=1&ll={lat},{lon}&n={name}'}
    """
    settings = settings or LinkSettings()
    usable = [t for t in REGISTRY if t.templates and (t.needs is None or getattr(settings, t.needs))]
    area = shapely.box(*bbox).buffer(_AROUND_DEG, join_style="mitre")
    return {
        "modes": {mode: [known or _SHOWS_PLACE for known in tried] for mode, tried in FALLBACK.items()},
        "extents": {extent: _share_of(extent, area) for extent in get_args(Extent) if extent != "box"},
        "targets": [_row(target, settings) for target in usable],
    }


def _row(target: LinkTarget, settings: LinkSettings) -> dict[str, Any]:
    shifted = settings.apple_datum if target.app == "apple" else "gcj02"
    return {
        "id": target.id,
        "app": target.app,
        "platform": target.platform,
        "zh": target.zh,
        "en": target.en,
        "templates": {
            mode or _SHOWS_PLACE: _filled(template, sender_texts(settings))
            for mode, template in target.templates.items()
        },
        "shifted_in": target.shifted_in,
        "datum": shifted if target.shifted_in else "wgs84",
        "mainland_only": target.mainland_only,
        "reserved": target.reserved,
        "package": target.package,
        "warning": target.warning and target.warning._asdict(),
        "evidence": target.evidence,
        "datum_evidence": target.datum_evidence,
        "verified_on": target.verified_on and target.verified_on.isoformat(),
    }


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """Fill in who we are; what is encoded holds no brace that could be taken for a hole."""
    for hole, text in texts.items():
        template = template.replace(f"{{{hole}}}", text)
    return template


def _share_of(extent: Extent, area: shapely.Geometry) -> bool | list[list[list[float]]]:
    """Rings of the extent's part in an area, shells and holes alike: a point is in it if it lies in an odd number."""
    outline = build_outline(extent)
    if not shapely.intersects(outline, area):
        return False
    if shapely.contains_properly(outline, area):
        return True
    part = shapely.intersection(outline, area)
    polygons = [one for one in shapely.get_parts(part) if isinstance(one, shapely.Polygon)]
    rings = [ring for one in polygons for ring in (one.exterior, *one.interiors)]
    return [[list(corner) for corner in ring.coords[:-1]] for ring in rings]
