"""
Dtypes and sentinels of the engine on one page, with their reasons.

Kernels take these as compile-time constants, and numba looks only at the file a kernel stands in: districts and
tests keep their kernels in a folder named after the engine's code; empty any other ``NUMBA_CACHE_DIR`` after a change.

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

The index counts in *keys*, ``cost << 32 | length``, and refuses a network that might not fit. Edges,
shortcuts and labels stay below `MAX_MS` = 1e8 and `MAX_MM` = 2^29 each, checked one by one when built. Whatever is
found must stay below `NEVER` = 2^62, a cost of 2^30; and `NEVER` with whatever may be added to it must fit.

- A witness: at most two arcs, then one more: 3 * 1e8 < 2^30 and 3 * 2^29 < 2^32.
- A way: two labels, two part-edges, two gaps: 4 * 1e8 + 6e8 < 2^30 and 4 * 2^29 + 6e5 < 2^32. To `NEVER` on a
  board are added a label, a part-edge and a gap: 2^30 + 2 * 1e8 + 3e8 < 2^31.
- The same where labels are made by climbing: the longest way up is below `MAX_MS`, two of them as above; and
  it is shorter than `MAX_CLIMB_MM` = 5 * 2^28, so 2 * 5 * 2^28 + 2 * 2^29 + 6e5 < 2^32.
- A sweep's values begin at `NEVER` at most and only fall, and an arc adds less than 1e8. In lanes of int32 it is
  `FAR_MS` + 1e8 < 2^31.
- A change spreads on from costs below `CUT_MS` = 3 * 1e8 + 3e8 only: none that is fastest costs more than two
  labels, a part-edge and a gap; and `CUT_MS` + 1e8 < 2^30. Without an index a cost that is as far is refused.
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

MAX_MS: Final = 100_000_000
"""Edges, shortcuts and labels of an index cost less: a day and four hours."""

MAX_MM: Final = 1 << 29
"""Edges, shortcuts and labels of an index are shorter: 537 km."""

MAX_CLIMB_MM: Final = 5 << 28
"""Ways up a hierarchy without labels are shorter: 1,342 km. Unlike labels they hold ways that are not fastest."""

CUT_MS: Final = 3 * MAX_MS + 300_000_000
"""No fastest way from a node to a facility costs as much in an index: a week."""

NEVER: Final = 1 << 62
"""A key greater than all keys; with the key of an arc added it still fits."""

FAR_MS: Final = (1 << 31) - 1 - MAX_MS
"""Greater than all costs in int32, where many are summed side by side; an arc added still fits."""

HUB_BITS: Final = 21
"""Room for the rank of a hub in a label: two million nodes, four times what labels are saved for."""

VIA_BITS: Final = 11
"""Room for the place of an arc at its node in a label: the busiest node of a city has some hundred."""

LABELS_MAX_NODES: Final = 500_000
"""Up to as many nodes an index has labels unless it is told otherwise; docs/decisions/0009 says why."""

HUB_MASK: Final = (1 << HUB_BITS) - 1
"""Takes a hub out of a label that was shifted by `VIA_BITS`."""

VIA_MASK: Final = (1 << VIA_BITS) - 1
"""Takes the arc out of a label."""

LOW_MASK: Final = (1 << 32) - 1
"""Takes the length out of a key, or the facility out of a bucket's entry."""

RUN: Final = -(1 << 30)
"""Below it is the number of edges of a run and twice this, from it on a code: an index takes 2^30 edges."""

ESTIMATE_SETTLED: Final = 16
"""Nodes a witness search settles while importance is estimated; sixty take twice as long and save nothing."""

WITNESS_SETTLED: Final = 50
"""Nodes a witness search settles when a node leaves; fewer make more shortcuts, never wrong ones. The last arc
of a way is not searched but looked at from its end, so few are enough."""

LANES: Final = 64
"""Origins swept side by side in a matrix: four registers of sixteen costs."""

FEW_ROWS: Final = 8
"""From as many origins or fewer a matrix is joined label by label; from more it is swept."""

FEW: Final = 32
"""As many nearest are kept in a list that is searched from one end; more are sorted out of all."""

SCAN_PER_FACILITY: Final = 16
"""Entries of buckets scanned per facility before all are looked at one by one: a third of what that costs."""

NODES_PER_CLIMB: Final = 2048
"""A search up the hierarchy takes as long as a sweep needs for so many nodes."""

CHUNK: Final = 4096
"""Nodes between two calls of a progress callback, a tenth of a second or so; then an interrupt is heard. So many
labels are made at once, too."""

__all__ = [
    "CHUNK",
    "CUT_MS",
    "ESTIMATE_SETTLED",
    "FAR_MS",
    "FEW",
    "FEW_ROWS",
    "FOOT",
    "HUB_BITS",
    "HUB_MASK",
    "ISLAND_PART",
    "LABELS_MAX_NODES",
    "LANES",
    "LONG",
    "LOW_MASK",
    "MAX_CLIMB_MM",
    "MAX_GAP_MS_PER_M",
    "MAX_MM",
    "MAX_MS",
    "METRIC_SPAN_E6",
    "MIN_CELL_M",
    "NEVER",
    "NODES_PER_CLIMB",
    "NODE_M",
    "NONE",
    "NO_CUTOFF",
    "RUN",
    "SCAN_PER_FACILITY",
    "SNAP_LIMIT_M",
    "UNREACHED",
    "VIA_BITS",
    "VIA_MASK",
    "WITNESS_SETTLED",
]
