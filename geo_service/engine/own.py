"""What each thread of a router writes on, made when it first asks and kept for its next question."""

import threading

import numpy as np

from geo_service.engine.climb import Climber, Shelf, build_climber, build_shelf
from geo_service.engine.constants import NONE
from geo_service.engine.dijkstra import Windows, Workspace, build_workspace
from geo_service.engine.join import Desk, Hooks, build_desk
from geo_service.engine.kit import Kit
from geo_service.engine.snap import Columns, Snaps
from geo_service.engine.trace import build_trail
from geo_service.engine.what_if import Spread, build_spread
from geo_service.network.graph import LongArray


class Own(threading.local):
    """
    Workspaces of one thread; whoever holds this sees its own.

    Parameters
    ----------
    n_nodes
        Nodes of the network.
    n_edges
        Its directed edges.
    """

    def __init__(self, n_nodes: int, n_edges: int) -> None:
        self._n_nodes, self._n_edges = n_nodes, n_edges
        self.snaps: Snaps | None = None
        """What was snapped last: it needs no second look."""
        self.columns: Columns | None = None
        """The same as kernels read it."""
        self.windows: dict[int, tuple[Windows, Kit]] = {}
        """Windows as they came and as kernels read them, by the identity of their first column."""
        self._desk: Desk | None = None
        self._work: Workspace | None = None
        self._trail: Kit | None = None
        self._spread: Spread | None = None
        self._pair: tuple[Hooks, Hooks] | None = None
        self._climber: Climber | None = None
        self._shelves: list[Shelf] = []
        self._shelf_kits: list[tuple[Shelf, Kit]] = []
        self.stamp = 1
        """The first stamp of the running question."""
        self._next_stamp = 1
        self._low = np.zeros((64, 2), dtype=np.int64)

    def desk(self, n_facilities: int) -> Desk:
        """
        Where labels meet.

        Parameters
        ----------
        n_facilities
            Facilities of the question.

        Returns
        -------
        desk
            Made anew with room to spare when there are more than ever.
        """
        if self._desk is None or len(self._desk.seen) < n_facilities:
            self._desk = build_desk(self._n_nodes, 1 << max(n_facilities, 64).bit_length())
        return self._desk

    def work(self, n_facilities: int) -> Workspace:
        """
        Where a search writes.

        Parameters
        ----------
        n_facilities
            Facilities of the question.

        Returns
        -------
        work
            Made anew with room to spare when there are more than ever.
        """
        if self._work is None or len(self._work.hook_next) < 2 * n_facilities:
            room = 1 << max(n_facilities, 64).bit_length()
            self._work = build_workspace(self._n_nodes, self._n_edges, room)
        return self._work

    @property
    def trail(self) -> Kit:
        """Where a way is written: a `Trail`."""
        if self._trail is None:
            self._trail = Kit(build_trail(self._n_nodes))
        return self._trail

    @property
    def spread(self) -> Spread:
        """Where trials are written over a coverage."""
        if self._spread is None:
            self._spread = build_spread(self._n_nodes, self._n_edges)
        return self._spread

    def climber(self, n_arcs: int) -> Climber:
        """
        Where searches up the hierarchy are written.

        Parameters
        ----------
        n_arcs
            Arcs of the direction with more of them; always the same.

        Returns
        -------
        climber
            Pages that no search touches take no memory.
        """
        if self._climber is None:
            self._climber = build_climber(self._n_nodes, n_arcs)
        return self._climber

    @property
    def shelves(self) -> list[Shelf]:
        """Where labels are put that are made for a question, forward and backward; replaced by longer ones."""
        if not self._shelves:
            self._shelves = [build_shelf(self._n_nodes), build_shelf(self._n_nodes)]
        return self._shelves

    def shelf_kit(self, *, is_back: bool) -> Kit:
        """
        Labels that were made, as kernels read them.

        Parameters
        ----------
        is_back
            Against the direction of travel.

        Returns
        -------
        kit
            With how they were come to.
        """
        if not self._shelf_kits:
            self._shelf_kits = [(shelf, _kit(shelf)) for shelf in self.shelves]
        shelf = self.shelves[is_back]
        if self._shelf_kits[is_back][0].entry is not shelf.entry:
            self._shelf_kits[is_back] = (shelf, _kit(shelf))
        return self._shelf_kits[is_back][1]

    @property
    def pair(self) -> tuple[Hooks, Hooks]:
        """Hooks of two points on nodes; only their ranks are written anew."""
        if self._pair is None:
            hooks = [Hooks(np.full((1, 2, 3), NONE, dtype=np.int64), np.zeros((1, 2))) for _ in range(2)]
            for each in hooks:
                each.at[0, 0, 1] = 0
            self._pair = (hooks[0], hooks[1])
        return self._pair

    def low(self, n_facilities: int, n_origins: int) -> LongArray:
        """
        What is known of each facility; takes a fresh `stamp` for each origin.

        Parameters
        ----------
        n_facilities
            Facilities of the question.
        n_origins
            Its origins.

        Returns
        -------
        low
            Made anew with room to spare when there are more facilities than ever, shape ``(f, 2)``.
        """
        if len(self._low) < n_facilities:
            self._low = np.zeros((1 << n_facilities.bit_length(), 2), dtype=np.int64)
        self.stamp = self._next_stamp
        self._next_stamp += n_origins
        return self._low


def _kit(shelf: Shelf) -> Kit:
    return Kit(shelf.labels, came=shelf.came)
