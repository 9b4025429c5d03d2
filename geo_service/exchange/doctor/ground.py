"""
What a district knows of its streets and places, ready to be asked how near points are to them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.errors import InvalidInputError
from geo_service.exchange.names import normal_name, squeeze
from geo_service.geo import BBox, BoolArray, FloatArray, metres_per_degree
from geo_service.network.graph import Network

Objects = npt.NDArray[np.object_]

FAR_M = 300.0
"""Streets farther than this are all the same: none."""

_RIM_M = 150.0  # an extract ends at its last street; the houses behind it are still in it
_SHORTEST_NAME = 2


@dataclass(frozen=True, eq=False)
class Ground:
    """
    Streets, outline and known places of a district in local metres.

    Made by `build_ground`; frozen, and shared by threads.

    Parameters
    ----------
    origin
        Longitude and latitude of the origin of the local metres, degrees.
    scale
        Metres per degree there, east and north.
    lines
        The drawn streets, shapely LineStrings in local metres, one per link.
    line_name
        Position of each street's name in ``names``.
    names
        Street names, the empty one first.
    region
        Where the streets of the extract are, buffered a little; local metres.
    boundary
        Outline of the district in local metres; None if unknown.
    known
        Positions of known places by normalised name, local metres, shape ``(m, 2)`` each.
    """

    origin: tuple[float, float]
    scale: tuple[float, float]
    lines: Objects
    line_name: Sequence[int]
    names: tuple[str, ...]
    region: shapely.Geometry
    boundary: shapely.Geometry | None
    known: Mapping[str, FloatArray] = field(default_factory=dict)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    @cached_property
    def _lines_of(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for line, name in enumerate(self.line_name):
            if name:
                found.setdefault(squeeze(self.names[name]), []).append(line)
        return {name: lines for name, lines in found.items() if len(name) >= _SHORTEST_NAME}

    @cached_property
    def _longest_name(self) -> int:
        return max(map(len, self._lines_of), default=0)

    @property
    def bbox(self) -> BBox:
        """Box around the streets, degrees."""
        west, south, east, north = shapely.bounds(self.region).tolist()
        (lon0, lat0), (kx, ky) = self.origin, self.scale
        return BBox(lon0 + west / kx, lat0 + south / ky, lon0 + east / kx, lat0 + north / ky)

    def local(self, lonlat: FloatArray) -> FloatArray:
        """WGS 84 degrees to local metres, shape ``(..., 2)`` both."""
        return np.asarray((lonlat - self.origin) * self.scale)

    def gaps(self, xy: FloatArray) -> FloatArray:
        """
        Straight distance to the nearest street.

        Parameters
        ----------
        xy
            Points in local metres, shape ``(..., 2)``.

        Returns
        -------
        gap_m
            Metres, at most `FAR_M`, shape of ``xy`` without its last axis.
        """
        flat = xy.reshape(-1, 2)
        gap_m = np.full(len(flat), FAR_M)
        (rows, _), found_m = self._tree.query_nearest(
            shapely.points(flat), max_distance=FAR_M, return_distance=True, all_matches=False
        )
        gap_m[rows] = found_m
        return gap_m.reshape(xy.shape[:-1])

    def is_covered(self, xy: FloatArray) -> BoolArray:
        """Whether points in local metres lie where the extract has streets."""
        return _contains(self.region, xy)

    def is_inside(self, xy: FloatArray) -> BoolArray:
        """Whether points in local metres lie in the district; without an outline, where it has streets."""
        return _contains(self.region if self.boundary is None else self.boundary, xy)

    def streets_in(self, address: str) -> tuple[str, ...]:
        """
        Street names of the district that an address holds, the longest at each place.

        Parameters
        ----------
        address
            As somebody wrote it.

        Returns
        -------
        names
            Squeezed names; empty if none is known.
        """
        text, at, found = squeeze(address), 0, []
        while at < len(text):
            lengths = range(min(self._longest_name, len(text) - at), _SHORTEST_NAME - 1, -1)
            name = next((text[at : at + n] for n in lengths if text[at : at + n] in self._lines_of), "")
            found += [name] if name else []
            at += len(name) or 1
        return tuple(dict.fromkeys(found))

    def street(self, name: str) -> tuple[shapely.Geometry, float]:
        """All pieces of a street in local metres, and their length in metres."""
        if name not in self._streets:
            self._streets[name] = self._build_street(name)
        return self._streets[name]

    @cached_property
    def _streets(self) -> dict[str, tuple[shapely.Geometry, float]]:
        return {}

    def _build_street(self, name: str) -> tuple[shapely.Geometry, float]:
        whole: shapely.Geometry = shapely.MultiLineString(list(self.lines[self._lines_of[name]]))
        shapely.prepare(whole)
        return whole, float(shapely.length(whole))

    def to_streets_m(self, names: Sequence[str], xy: FloatArray) -> FloatArray:
        """Metres from points, local metres of shape ``(c, 2)``, to the nearest of some streets."""
        points = shapely.points(xy)
        return np.asarray(np.min([shapely.distance(self.street(name)[0], points) for name in names], axis=0))


def _contains(area: shapely.Geometry, xy: FloatArray) -> BoolArray:
    return np.asarray(shapely.contains_xy(area, xy[..., 0], xy[..., 1]))


def build_ground(
    networks: Iterable[Network],
    boundary: Sequence[tuple[float, float]] = (),
    known: Iterable[tuple[str, float, float]] = (),
) -> Ground:
    """
    Prepare a district for the doctor.

    Parameters
    ----------
    networks
        Streets; the walking network holds nearly all, the e-bike's may be given besides.
    boundary
        Outline of the district as lon, lat pairs, WGS 84; empty if unknown.
    known
        Places whose position is trusted, as name, lon, lat in WGS 84: the store's and OpenStreetMap's.

    Returns
    -------
    ground
        For `diagnose`.

    Raises
    ------
    InvalidInputError
        If there is no street at all.
    """
    given = tuple(networks)
    points = [np.column_stack([one.point_lon_e6, one.point_lat_e6]) / 1e6 for one in given]
    if not sum(map(len, points)):
        raise InvalidInputError(
            "networks: no street to compare the list with; build the district with `geo-service init`",
            parameter="networks",
        )
    lonlat = np.concatenate(points)
    west, south = lonlat.min(axis=0).tolist()
    east, north = lonlat.max(axis=0).tolist()
    origin = ((west + east) / 2.0, (south + north) / 2.0)
    scale_x, scale_y = metres_per_degree(origin[1])
    scale = (float(scale_x), float(scale_y))
    xy = (lonlat - origin) * scale
    outline = shapely.Polygon((np.array(boundary) - origin) * scale) if len(boundary) >= 3 else None
    return Ground(
        origin,
        scale,
        *_lines(given, xy),
        region=shapely.buffer(shapely.convex_hull(shapely.multipoints(xy)), _RIM_M),
        boundary=None if outline is None else shapely.buffer(shapely.make_valid(outline), _RIM_M),
        known=_known(known, origin, scale),
    )


def _lines(networks: Sequence[Network], xy: FloatArray) -> tuple[Objects, list[int], tuple[str, ...]]:
    """Drawn streets of all networks in local metres, the name of each, and the names."""
    counts = np.concatenate([np.diff(one.first_point) for one in networks])
    lines: Objects = np.asarray(shapely.linestrings(xy, indices=np.repeat(np.arange(len(counts)), counts)))
    names = tuple(dict.fromkeys(["", *(name for one in networks for name in one.names)]))
    position = {name: i for i, name in enumerate(names)}
    of_line = [position[one.names[name]] for one in networks for name in one.link_name.tolist()]
    return lines, of_line, names


def _known(
    places: Iterable[tuple[str, float, float]], origin: tuple[float, float], scale: tuple[float, float]
) -> dict[str, FloatArray]:
    held: dict[str, list[tuple[float, float]]] = {}
    for name, lon, lat in places:
        if key := normal_name(name):
            held.setdefault(key, []).append((lon, lat))
    return {key: (np.array(points) - origin) * scale for key, points in held.items()}
