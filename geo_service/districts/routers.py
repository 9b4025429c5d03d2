"""Streets and index of a district, loaded when a profile is first asked for."""

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geo_service.errors import BadDataError
from geo_service.network.graph import Network, load_network

if TYPE_CHECKING:
    from geo_service.engine.router import Index, Router

logger = logging.getLogger(__name__)

PROFILES = ("ebike", "walk")


class Routers(Mapping[str, "Router"]):
    """
    Routers by profile, each made when first asked for; a district opens in an instant.

    Parameters
    ----------
    directory
        The district's directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._profiles = tuple(p for p in PROFILES if (directory / "network" / p / "network.json").is_file())
        self._routers: dict[str, Router] = {}
        self._lock = threading.Lock()

    def __getitem__(self, profile: str) -> "Router":
        from geo_service.engine.router import Router

        if profile not in self._profiles:
            raise KeyError(profile)
        with self._lock:
            if profile not in self._routers:
                network = load_network(self._directory / "network" / profile)
                self._routers[profile] = Router(
                    network, _ready_index(self._directory / "index" / profile, network)
                )
            return self._routers[profile]

    def __iter__(self) -> Iterator[str]:
        return iter(self._profiles)

    def __len__(self) -> int:
        return len(self._profiles)


def use_jit_cache(directory: Path) -> None:
    """
    Let compiled kernels live in the district; must come before the engine is imported.

    They live in a folder of ``cache/jit`` that is named after the engine's code: numba looks only at the file a
    kernel stands in, and would go on using one that another version compiled with other constants.

    Parameters
    ----------
    directory
        District directory; a cache named in the environment wins.
    """
    folder = directory / "cache" / "jit"
    if os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder.resolve() / code_digest()))


@cache
def code_digest() -> str:
    """
    Name of the state of the engine's code.

    Returns
    -------
    digest
        Twelve hexadecimal digits, other ones after any change of any of its files.
    """
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).resolve().parents[1] / "engine").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _ready_index(folder: Path, network: Network) -> "Index":
    """The saved index, or one built anew where it is missing, damaged, or of another network or version."""
    from geo_service.engine.router import build_index, load_index, save_index

    try:
        return load_index(folder, network, verify=True)  # a tenth of a second for a city
    except BadDataError as error:
        logger.warning("%s; it is built anew", error.message)
    index = build_index(network)
    if os.access(folder.parent.parent, os.W_OK):
        folder.parent.mkdir(exist_ok=True)
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        save_index(index, part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return index


def warm_up(router: "Router") -> None:
    """
    Compile every kernel that a district's questions use, or load it from the cache.

    Parameters
    ----------
    router
        Of any of its profiles, with its index.
    """
    from geo_service.engine import router as engine
    from geo_service.engine import warming

    warming.warm_up(router)
    network = router.network
    here = router.snap([[network.point_lon_e6[0] / 1e6, network.point_lat_e6[0] / 1e6]])
    two = router.facilities(here.take(np.zeros(2, dtype=np.int64)))
    one = two.where(np.array([True, False]))
    always = engine.Windows(
        np.array([0, 1, 1], dtype=np.int32), np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    )
    router.nearest(here, one, 1, always)
    router.onway(here, here, one, 1, always)
    router.range(here, one, 1, via=here, windows=always)
