"""The plans of the two made-up districts, and what is known about each without drawing it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from geo_service.demo.blocks import fill_blocks
from geo_service.demo.osm_xml import Progress, check_suffix, write_osm
from geo_service.demo.plane import Point, Warp
from geo_service.demo.streets import StripPlan, TownPlan, draw_streets
from geo_service.demo.town import Town
from geo_service.errors import NotFoundError

DEMO_NAMES = ("xiangheyuan", "yingze")


@dataclass(frozen=True)
class DemoInfo:
    """
    What is known about a demo district without drawing it.

    Parameters
    ----------
    id
        Its name at every door.
    name_zh, name_en
        What people read; both say that it is a demo.
    bbox
        West, south, east, north of its streets, degrees.
    boundary
        GeoJSON Polygon, made up, inside the bbox.
    centre
        Longitude and latitude of the middle.
    notice_zh, notice_en
        The sentence that every page and file made from it carries.
    """

    id: str
    name_zh: str
    name_en: str
    bbox: tuple[float, float, float, float]
    boundary: dict[str, object]
    centre: Point
    notice_zh: str = "示例数据：道路、地点、时间均为合成，并非实况。"
    notice_en: str = "Demo data: streets, places and hours are made up and describe nothing that exists."


WARPS = {
    "xiangheyuan": Warp(
        116.442, 39.957, 0.06,
        ((0.15, 2900.0, 95.0, 0.4), (1.72, 2300.0, 78.0, 1.9), (0.8, 1100.0, 17.0, 0.2), (2.4, 780.0, 9.0, 4.0)),
    ),
    "yingze": Warp(
        112.563, 37.860, -0.05,
        ((0.1, 4300.0, 120.0, 2.2), (1.62, 3600.0, 110.0, 0.3), (0.9, 1500.0, 24.0, 1.0), (2.3, 830.0, 9.0, 5.1)),
    ),
}  # fmt: skip

PLANS = {
    "xiangheyuan": TownPlan(
        2150.0,
        2000.0,
        (
            StripPlan("expressway", (0.0, -1280.0), 2.0),
            StripPlan("river", (0.0, 560.0), -7.0),
            StripPlan("rail", (1500.0, 700.0), -52.0),
            StripPlan("primary", (-930.0, 0.0), 88.0),
            StripPlan("primary", (520.0, 0.0), 94.0),
            StripPlan("primary", (0.0, -240.0), 1.0),
            StripPlan("dual", (-500.0, 1400.0), 47.0, start=3),
            StripPlan("single", (-1640.0, 0.0), 91.5),
            StripPlan("single", (1200.0, 1330.0), -3.0, start=4),
            StripPlan("single", (-330.0, 300.0), 92.0, start=5),
        ),
        (26_000.0, 66_000.0),
        2,
    ),
    "yingze": TownPlan(
        4150.0,
        3850.0,
        (
            StripPlan("expressway", (0.0, 3050.0), -2.0),
            StripPlan("river", (-2050.0, 0.0), 84.0),
            StripPlan("rail", (0.0, -2700.0), 7.0),
            StripPlan("primary", (0.0, -1750.0), 0.5),
            StripPlan("primary", (0.0, -350.0), -1.5),
            StripPlan("primary", (0.0, 1450.0), 2.0),
            StripPlan("primary", (-700.0, 0.0), 91.0),
            StripPlan("primary", (900.0, 0.0), 88.5),
            StripPlan("dual", (2450.0, 0.0), 92.0),
            StripPlan("dual", (-3150.0, 0.0), 89.0),
            StripPlan("dual", (1650.0, -900.0), 38.0, start=7, end=8),
            StripPlan("single", (300.0, 540.0), 0.0, start=6),
            StripPlan("single", (-2000.0, -1050.0), 3.0, end=6),
        ),
        (28_000.0, 76_000.0),
        4,
    ),
}

_WORDS = {
    "xiangheyuan": ("香河园（示例街区）", "Xiangheyuan (demo district)"),
    "yingze": ("迎泽（示例城区）", "Yingze (demo district)"),
}


def check_name(name: str) -> str:
    """
    Pass the id of a demo district.

    Parameters
    ----------
    name
        One of `DEMO_NAMES`.

    Returns
    -------
    name
        The same.

    Raises
    ------
    NotFoundError
        If there is no such demo district.
    """
    if name not in DEMO_NAMES:
        raise NotFoundError(
            f"name={name!r} is no demo district; there are {', '.join(DEMO_NAMES)}",
            parameter="name",
            value=name,
        )
    return name


def boundary_corners(name: str) -> tuple[Point, ...]:
    """Outline of a district on its board, metres, counter-clockwise: the board less a margin, corners cut."""
    plan = PLANS[name]
    w, h = plan.half_width - 110.0, plan.half_height - 110.0
    c, d = 0.16 * w, 0.11 * h
    return (
        (-w + c, -h), (w - 0.4 * c, -h), (w, -h + d), (w, h - 1.6 * d), (w - 1.3 * c, h),
        (-w + 0.5 * c, h), (-w, h - 0.8 * d), (-w, -h + 1.4 * d),
    )  # fmt: skip


def demo_info(name: str) -> DemoInfo:
    """
    Look up what is known about a demo district without drawing it.

    Parameters
    ----------
    name
        One of `DEMO_NAMES`.

    Returns
    -------
    info
        Names, bbox, boundary, centre, notice.

    Raises
    ------
    NotFoundError
        If there is no such demo district.

    Examples
    --------
    >>> demo_info("xiangheyuan").name_zh
    '香河园（示例街区）'
    """
    check_name(name)
    warp, plan = WARPS[name], PLANS[name]
    ring = _bent_ring(warp, boundary_corners(name))
    w, h = plan.half_width, plan.half_height
    board = _bent_ring(warp, ((-w, -h), (w, -h), (w, h), (-w, h)))
    lons, lats = [p[0] for p in board], [p[1] for p in board]
    return DemoInfo(
        id=name,
        name_zh=_WORDS[name][0],
        name_en=_WORDS[name][1],
        bbox=(min(lons), min(lats), max(lons), max(lats)),
        boundary={"type": "Polygon", "coordinates": [[list(p) for p in ring]]},
        centre=warp.lonlat((0.0, 0.0)),
    )


def _bent_ring(warp: Warp, corners: tuple[Point, ...]) -> list[Point]:
    """Closed ring of longitudes and latitudes around corners of the board, with a point every 150 m."""
    ring: list[Point] = []
    for i, a in enumerate(corners):
        b = corners[(i + 1) % len(corners)]
        pieces = max(int(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / 150.0), 1)
        steps = ((b[0] - a[0]) / pieces, (b[1] - a[1]) / pieces)
        ring.extend(warp.lonlat((a[0] + steps[0] * k, a[1] + steps[1] * k)) for k in range(pieces))
    return [*ring, ring[0]]


@lru_cache(maxsize=2)
def build_town(name: str) -> Town:
    """
    Draw a demo district; the board is kept and must not be changed.

    Parameters
    ----------
    name
        One of `DEMO_NAMES`.

    Returns
    -------
    town
        Streets, blocks, and sites for places.
    """
    town = Town(check_name(name), WARPS[name])
    blocks = draw_streets(town, PLANS[name])
    fill_blocks(town, blocks)
    return town


def build_demo_osm(name: str, path: Path | str, progress: Progress | None = None) -> Path:
    """
    Write the streets, buildings and points of a demo district as an ordinary OSM file.

    Parameters
    ----------
    name
        One of `DEMO_NAMES`.
    path
        File to write: ``.osm``, ``.osm.gz`` or ``.osm.bz2``. Equal calls give equal bytes.
    progress
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    path
        The file.

    Raises
    ------
    NotFoundError
        If there is no such demo district.
    InvalidInputError
        If the suffix is another.
    """
    info = demo_info(name)
    check_suffix(Path(path))
    if progress is not None:
        progress("draw", 0, 0)
    tags = {
        "type": "boundary", "boundary": "administrative", "admin_level": "8",
        "name": info.name_zh, "name:en": info.name_en, "note": info.notice_zh,
    }  # fmt: skip
    write_osm(build_town(name), boundary_corners(name), Path(path), tags, progress)
    return Path(path)
