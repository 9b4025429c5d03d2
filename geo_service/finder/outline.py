"""
The outline of a reach: polygons with every reached stretch of street and no unreached one.

Reached stretches are widened to ribbons, and where reached streets lie all around without an unreached one
the block is taken whole; strips along unreached streets are cut out. A polygon is flat, a town is not: where an
unreached street meets or crosses a reached one, as under a bridge, a thread of `THREAD_M` on either side of the
reached one stays. That much of an unreached street is inside, and no more. Holes without any street are filled.

With more minutes ribbons, blocks and threads only grow and strips only shrink; what round corners made of straight
pieces leave over is mended by taking in the outline of fewer minutes, whose streets are all reached.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.engine.router import Reach, Router, Snaps
from geo_service.errors import InvalidInputError
from geo_service.finder.lines import from_metres, part_of_line, stretch_lines, to_metres
from geo_service.finder.questions import BANDS_MAX, Band, check_cutoff
from geo_service.finder.stretches import Stretches, lengths_m, other_stretches, reached_stretches
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.object_]

MARGIN_M = 40.0
"""How far beyond a reached street the outline goes, where no unreached street is nearer."""

CUT_M = 1.0
"""Half the width of the strip that is cut out along an unreached street."""

THREAD_M = 0.05
"""Half the width of what always stays of a reached street."""

BLOCK_M = 120.0
"""Width of a block that may be taken whole; wider than the margin, so that a ribbon meets only the next ones."""

_LINE = 1
_HALVES = ((0.0, 0.5), (0.5, 1.0))

GRID_DEG = 1e-7
"""Corners lie on this grid, about a centimetre."""


def reach_outlines(network: Network, reaches: Sequence[Reach]) -> tuple[shapely.MultiPolygon, ...]:
    """
    Draw polygons around what was reached from one point within ever more minutes.

    Parameters
    ----------
    network
        Streets of one profile.
    reaches
        What its router reached, the fewest minutes first.

    Returns
    -------
    outlines
        WGS 84 degrees, valid, empty if nothing was reached; each holds the one before. Every reached point of a street
        is inside; of unreached streets nothing is but what lies within `THREAD_M` of a reached one, rounded to
        `GRID_DEG`.
    """
    outlines: list[shapely.MultiPolygon] = []
    for reach in reaches:
        outline = stretch_outline(network, reached_stretches(network, reach))
        if outlines:
            outline = _polygons(shapely.set_precision(shapely.union(outline, outlines[-1]), GRID_DEG))
        outlines.append(outline)
    return tuple(outlines)


def stretch_outline(network: Network, stretches: Stretches) -> shapely.MultiPolygon:
    """
    Draw polygons around stretches of streets, as around a reach.

    Parameters
    ----------
    network
        Streets of one profile.
    stretches
        Parts of its links, disjoint, by link and along it.

    Returns
    -------
    outline
        WGS 84 degrees, valid, empty without stretches; of all other streets nothing is inside but what lies within
        `THREAD_M` of a stretch.
    """
    return _to_degrees(network, _outline_m(network, stretches))


def reach_bands(router: Router, origin: Snaps, cutoffs_ms: Sequence[int]) -> tuple[Band, ...]:
    """
    Outlines of what is within ever more time of a point.

    Parameters
    ----------
    router
        Of the profile.
    origin
        One point on its streets.
    cutoffs_ms
        Longest costs, milliseconds, inclusive, in any order.

    Returns
    -------
    bands
        The least cutoff first; each outline holds the one before.

    Raises
    ------
    InvalidInputError
        If the cutoffs are none, too many or too long.
    """
    wanted = sorted(set(cutoffs_ms))
    if not 1 <= len(wanted) <= BANDS_MAX:
        raise InvalidInputError(
            f"minutes has {len(wanted)} values; give 1 to {BANDS_MAX}", parameter="minutes", value=len(wanted)
        )
    for cutoff_ms in wanted:
        check_cutoff(cutoff_ms)
    reaches = [router.reach(origin, cutoff_ms) for cutoff_ms in wanted]
    lengths = [lengths_m(router.network, reached_stretches(router.network, reach)).sum() for reach in reaches]
    bands = zip(wanted, lengths, reach_outlines(router.network, reaches), strict=True)
    return tuple(Band(cutoff_ms, float(street_m), outline) for cutoff_ms, street_m, outline in bands)


def _outline_m(network: Network, reached: Stretches) -> shapely.Geometry:
    if len(reached.link) == 0:
        return shapely.MultiPolygon()
    lines = _lines_m(network, reached)
    unreached = _lines_m(network, _near(network, other_stretches(reached, network.n_links), lines))
    tree = shapely.STRtree(unreached)
    around = _around(lines, tree)
    inside = shapely.difference(around, _strips(around, lines, tree))
    polygons = np.array([_fill(polygon, tree) for polygon in shapely.get_parts(inside)], dtype=np.object_)
    # crumbs between unreached streets hold nothing that was reached
    kept = polygons[np.unique(shapely.STRtree(lines).query(polygons, predicate="intersects")[0])]
    return shapely.union_all(kept)


def _around(lines: Lines, unreached: shapely.STRtree) -> shapely.Geometry:
    """Ribbons along reached lines and whole blocks; ribbons deep among whole blocks would add nothing."""
    corner, shape, touched, by_line = _blocks(lines)
    has_reached = np.zeros(shape, dtype=np.bool_)
    has_reached.flat[touched] = True
    boxes = _boxes(corner, shape)
    is_whole = _and_around(has_reached)
    at = np.flatnonzero(is_whole)
    is_whole.flat[at[np.unique(unreached.query(boxes[at], predicate="intersects")[0])]] = False
    is_deep = _and_around(is_whole)
    fringe = np.unique(by_line[~is_deep.flat[touched]])
    ribbons = shapely.buffer(lines[fringe], MARGIN_M, quad_segs=3)
    return shapely.union_all(np.concatenate([ribbons, [shapely.union_all(_runs(corner, is_whole))]]))


def _blocks(lines: Lines) -> tuple[FloatArray, tuple[int, int], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corner and shape of a grid of blocks around the lines, and which blocks which lines touch."""
    west, south, east, north = shapely.total_bounds(lines)
    # the grid hangs on the metres themselves, so that it is the same one for every reach
    first = np.floor(np.array([west, south]) / BLOCK_M) - 2
    columns, rows = (np.floor(np.array([east, north]) / BLOCK_M) + 3 - first).astype(int).tolist()
    boxes = _boxes(first * BLOCK_M, (rows, columns))
    touched, by_line = shapely.STRtree(lines).query(boxes, predicate="intersects")
    return first * BLOCK_M, (rows, columns), touched, by_line


def _boxes(corner: FloatArray, shape: tuple[int, int]) -> Lines:
    row, column = (index.ravel() for index in np.indices(shape))
    west, south = corner[0] + column * BLOCK_M, corner[1] + row * BLOCK_M
    return np.asarray(shapely.box(west, south, west + BLOCK_M, south + BLOCK_M), dtype=np.object_)


def _runs(corner: FloatArray, is_whole: BoolArray) -> Lines:
    """Whole blocks as few boxes: those beside each other in a row are one."""
    steps = np.diff(np.pad(is_whole, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(steps == 1)
    _, stop = np.nonzero(steps == -1)
    west, east = corner[0] + start * BLOCK_M, corner[0] + stop * BLOCK_M
    south = corner[1] + row * BLOCK_M
    return np.asarray(shapely.box(west, south, east, south + BLOCK_M), dtype=np.object_)


def _and_around(is_so: BoolArray) -> BoolArray:
    """Where it is so in a cell and in the eight around it."""
    padded = np.pad(is_so, 1)
    rows, columns = is_so.shape
    shifted = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.asarray(np.logical_and.reduce(shifted))


def _strips(around: shapely.Geometry, lines: Lines, unreached: shapely.STRtree) -> shapely.Geometry:
    """Strips along unreached streets that come near, less the threads that stay."""
    shapely.prepare(around)
    streets = unreached.geometries[shapely.dwithin(around, unreached.geometries, 2 * CUT_M)]
    strips = shapely.union_all(shapely.buffer(streets, CUT_M, quad_segs=2))
    near = np.unique(unreached.query(lines, predicate="dwithin", distance=CUT_M + 2 * THREAD_M)[0])
    threads = shapely.union_all(shapely.buffer(lines[near], THREAD_M, quad_segs=1))
    return shapely.difference(strips, threads)


def _fill(polygon: shapely.Polygon, unreached: shapely.STRtree) -> shapely.Polygon:
    holes = np.array([shapely.Polygon(ring) for ring in polygon.interiors], dtype=np.object_)
    if len(holes) == 0:
        return polygon
    busy = np.unique(unreached.query(holes, predicate="intersects")[0])
    return shapely.Polygon(polygon.exterior, [polygon.interiors[int(i)] for i in busy])


def _near(network: Network, stretches: Stretches, lines: Lines) -> Stretches:
    """Those whose link's box meets the box of what was reached, with room to spare."""
    room = 4 * BLOCK_M
    west, south, east, north = shapely.total_bounds(lines)
    xy = to_metres(network, network.point_lon_e6 / 1e6, network.point_lat_e6 / 1e6)
    first = network.first_point[:-1]
    low, high = np.minimum.reduceat(xy, first), np.maximum.reduceat(xy, first)
    meets = (low <= [east + room, north + room]) & (high >= [west - room, south - room])
    is_near = meets[:, 0] & meets[:, 1]
    return stretches.take(is_near[stretches.link])


def _lines_m(network: Network, stretches: Stretches) -> Lines:
    """Stretches as lines in metres that can be widened."""
    lines = stretch_lines(network, stretches)
    # a line without length, two junctions on one spot, has no buffer: it is a point
    at = np.flatnonzero(shapely.length(lines) == 0.0)
    lines[at] = shapely.get_point(lines[at], 0)
    # the buffer of a ring that crosses itself may leave corners out; that of its two halves does not
    for i in np.flatnonzero(shapely.is_closed(lines) & (shapely.get_type_id(lines) == _LINE)):
        xy = shapely.get_coordinates(lines[i])
        lines[i] = shapely.MultiLineString([part_of_line(xy, *half) for half in _HALVES])
    return lines


def _to_degrees(network: Network, outline: shapely.Geometry) -> shapely.MultiPolygon:
    return _polygons(shapely.set_precision(shapely.transform(outline, from_metres(network)), GRID_DEG))


def _polygons(geometry: shapely.Geometry) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])
