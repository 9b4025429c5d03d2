"""
Dtypes and sentinels of the engine on one page, with their reasons.

Kernels take these as compile-time constants: after a change here, empty the kernel cache
(``NUMBA_CACHE_DIR``), for numba looks only at the file a kernel stands in.

===================  =======  ===================================================================
what                 dtype    why
===================  =======  ===================================================================
node, edge, link     int32    2^31 edges are more than any city's; half the memory traffic of int64
weight, length       int32    of one edge, milliseconds and millimetres: 24 days, 2,147 km
cost, length sums    int64    see the bound below
share, degrees       float64  what a phone computes with; results are equal bit for bit
===================  =======  ===================================================================

No sum overflows. A label is the cost of a simple path: at most n - 1 whole edges and two
part-edges, each at most 2^31 - 1, with n <= 2^31 - 1, so (n + 1)(2^31 - 1) < 2^62. The two
gaps add at most 2 * `SNAP_LIMIT_M` * `MAX_GAP_MS_PER_M` = 6e8 < 2^30. A candidate is a label plus
one edge: below 2^62 + 2^32 < 2^63. Lengths obey the same bound.
"""

from typing import Any, Final

import numpy as np

from geo_service.network.graph import NONE

LONG: Final[Any] = np.int64
"""Widens a number between kernels, so that each is compiled for one type; for the type checker still an int."""

UNREACHED: Final = -1
"""Cost and length where no way leads. A value for callers only: kernels stamp labels and never compare it."""

NO_CUTOFF: Final = 1 << 62
"""Greater than every cost, see above; still fits int64 with an edge added."""

FOOT: Final = -2
"""Parent of a label that starts at the foot point of the source; not `NONE`, which is no edge."""

SNAP_LIMIT_M: Final = 300.0
"""Farthest a point may lie from its street, metres, inclusive."""

NODE_M: Final = 0.01
"""A foot within a centimetre of the end of its link stands on the node: degrees times 1e6 is not exact."""

ISLAND_PART: Final = 20
"""A weak component with less than this part (a twentieth) of the nodes of the largest one is an island."""

METRIC_SPAN_E6: Final = 2_000_000.0
"""The metric's quadratic is not followed farther than two degrees: beyond, only a rough gap is told."""

MIN_CELL_M: Final = 40.0
"""Smallest cell of the snapping grid, metres; about the length of one drawn segment."""

MAX_GAP_MS_PER_M: Final = 1e6
"""Slowest pace over a gap that keeps the bound above: a millimetre per second."""

__all__ = [
    "FOOT",
    "ISLAND_PART",
    "LONG",
    "MAX_GAP_MS_PER_M",
    "METRIC_SPAN_E6",
    "MIN_CELL_M",
    "NODE_M",
    "NONE",
    "NO_CUTOFF",
    "SNAP_LIMIT_M",
    "UNREACHED",
]
