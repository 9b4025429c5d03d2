"""Streets and index of a district, loaded when a profile is first asked for."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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

    Parameters
    ----------
    directory
        District directory; a cache named in the environment wins.
    """
    folder = directory / "cache" / "jit"
    if os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder.resolve()))


def _ready_index(folder: Path, network: Network) -> "Index":
    """The saved index, or one built anew where it is missing, damaged, or of another network or version."""
    from geo_service.engine.router import build_index, load_index, save_index

    try:
        return load_index(folder, network)
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
