"""Every kernel compiled, or loaded from the cache, before anybody asks."""

import numpy as np

from geo_service.engine.constants import FEW_ROWS
from geo_service.engine.costs import rows_to_sweep
from geo_service.engine.router import Router, Windows


def warm_up(router: Router) -> None:
    """
    Compile every kernel, or load it from the cache, by asking one small question of each kind.

    Parameters
    ----------
    router
        Any router; kernels do not depend on the network. Those of the index only with one.
    """
    network = router.network
    node = int(network.edge_tail[0])
    lon, lat = network.node_lon_e6[node] / 1e6, network.node_lat_e6[node] / 1e6
    here = router.snap([[lon, lat]])
    router.nearest(here, here, 1)
    router.matrix(here, here)
    router.reach(here, 1)
    router.route(here, here)
    facilities = router.facilities(here)
    router.nearest(here, facilities, 1)
    now = np.zeros(1, dtype=np.int64)
    opened = Windows(np.arange(2, dtype=np.int32), now, now + 1)
    router.nearest(here, facilities, 1, opened)
    router.nearest_point(lon, lat, facilities, 1, opened)
    router.what_if(router.coverage(facilities), facilities, close=[0])
    if router.index is not None:
        _warm_up_nodes(router, node)
        router.matrix(here, here.take(np.zeros(rows_to_sweep(network.n_nodes), dtype=np.int64)))
        few = here.take(np.zeros(FEW_ROWS + 1, dtype=np.int64))
        router.matrix(few, few)


def _warm_up_nodes(router: Router, node: int) -> None:
    at_node = router.facilities_at([node])
    router.nearest_node(node, at_node, 1)
    router.nearest_nodes(np.full(1, node, dtype=np.int64), at_node, 1)
    router.route_nodes(node, node)
