"""
Integer programmes, solved exactly by HiGHS: what was found, and how much better anything could still be.

The only file that knows the solver. A solve may be limited in time, watched and stopped: the best answer so
far comes back with the bound that was proved, never without it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

OPTIMAL, STOPPED, INFEASIBLE = "optimal", "stopped", "infeasible"

_Status = highspy.HighsModelStatus
_STOPPED = (
    _Status.kTimeLimit,
    _Status.kInterrupt,
    _Status.kSolutionLimit,
    _Status.kIterationLimit,
    _Status.kMemoryLimit,
)


class Rows(NamedTuple):
    """
    Constraints ``lower <= sum(value * column) <= upper``.

    Parameters
    ----------
    row
        Row of each entry, shape ``(z,)``, ascending.
    column
        Column of each entry, shape ``(z,)``.
    value
        Its coefficient, shape ``(z,)``.
    lower, upper
        Sides of each row, shape ``(r,)``; infinite where there is none.
    """

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    value: FloatArray
    lower: FloatArray
    upper: FloatArray


class Progress(NamedTuple):
    """
    How far a solve has come.

    Parameters
    ----------
    seconds
        Time spent.
    best
        Worth of the best answer so far; minus infinity while there is none.
    bound
        No answer can be worth more.
    """

    seconds: float
    best: float
    bound: float


Watch = Callable[[Progress], bool]
"""Told of progress; gives whether to go on."""


@dataclass(frozen=True, eq=False)
class Solved:
    """
    What a solve ended with.

    Parameters
    ----------
    status
        ``"optimal"``, ``"stopped"`` (limit or watcher), or ``"infeasible"``.
    values
        Value of each column, shape ``(n,)``; zeros if nothing was found.
    worth
        What they are worth; minus infinity if nothing was found.
    bound
        No answer can be worth more.
    """

    status: str
    values: FloatArray
    worth: float
    bound: float

    @property
    def gap_share(self) -> float:
        """How far the bound lies above what was found, as a share of the bound; 0 when optimal."""
        if self.bound == self.worth:
            return 0.0
        return (self.bound - self.worth) / abs(self.bound) if self.bound else float("inf")


def maximise(
    worth: FloatArray,
    rows: Rows,
    *,
    upper: FloatArray | None = None,
    is_whole: BoolArray | None = None,
    time_limit_s: float | None = None,
    watch: Watch | None = None,
) -> Solved:
    """
    Find columns of greatest worth under constraints.

    Parameters
    ----------
    worth
        What one of each column is worth, shape ``(n,)``.
    rows
        Constraints.
    upper
        Greatest value of each column, shape ``(n,)``; 1 if left out. The least is 0.
    is_whole
        Which columns must be whole numbers, shape ``(n,)``; all, if left out.
    time_limit_s
        Stop after so many seconds.
    watch
        Told of progress now and then.

    Returns
    -------
    solved
        Values, worth and bound.

    Raises
    ------
    InvalidInputError
        If the solver does not take the numbers: coefficients that are not finite.
    """
    n = len(worth)
    if not (np.isfinite(worth).all() and np.isfinite(rows.value).all()):
        raise InvalidInputError("weights and costs must be finite numbers", parameter="worth")
    if n == 0:
        return Solved(OPTIMAL, np.zeros(0), 0.0, 0.0)
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-9)
    if time_limit_s is not None:
        solver.setOptionValue("time_limit", float(time_limit_s))
    solver.passModel(_model(worth, rows, upper, is_whole))
    if watch is not None:
        _report(solver, watch)
    solver.run()
    return _solved(solver, n, worth)


def _model(
    worth: FloatArray, rows: Rows, upper: FloatArray | None, is_whole: BoolArray | None
) -> "highspy.HighsLp":
    n, r = len(worth), len(rows.lower)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, r
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = worth
    model.col_lower_ = np.zeros(n)
    model.col_upper_ = np.ones(n) if upper is None else upper
    model.row_lower_, model.row_upper_ = rows.lower, rows.upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.searchsorted(rows.row, np.arange(r + 1)).astype(np.int32)
    model.a_matrix_.index_ = rows.column.astype(np.int32)
    model.a_matrix_.value_ = rows.value
    whole = np.ones(n, dtype=np.bool_) if is_whole is None else is_whole
    kinds = highspy.HighsVarType
    model.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in whole.tolist()]
    return model


def _report(solver: "highspy.Highs", watch: Watch) -> None:
    def look(event: "highspy.HighsCallbackEvent") -> None:
        out = event.data_out
        # the solver minimises inside and reports in our sense; before a first answer both ends are infinite
        if not watch(Progress(out.running_time, out.mip_primal_bound, out.mip_dual_bound)):
            event.interrupt()

    solver.cbMipInterrupt += look


def _solved(solver: "highspy.Highs", n: int, worth: FloatArray) -> Solved:
    status, info = solver.getModelStatus(), solver.getInfo()
    if status in (_Status.kInfeasible, _Status.kUnboundedOrInfeasible):
        return Solved(INFEASIBLE, np.zeros(n), float("-inf"), float("-inf"))
    solution = solver.getSolution()
    if status == _Status.kOptimal:
        values = np.array(solution.col_value, dtype=np.float64)
        found = float(values @ worth)
        return Solved(OPTIMAL, values, found, found)
    if status not in _STOPPED:
        raise RuntimeError(f"the solver gave up: {solver.modelStatusToString(status)}")
    if not solution.value_valid:
        return Solved(STOPPED, np.zeros(n), float("-inf"), float(info.mip_dual_bound))
    values = np.array(solution.col_value, dtype=np.float64)
    return Solved(STOPPED, values, float(values @ worth), float(info.mip_dual_bound))


def stack_rows(*parts: Rows) -> Rows:
    """
    Put constraints of several kinds under each other.

    Parameters
    ----------
    *parts
        Each with rows numbered from 0.

    Returns
    -------
    rows
        All of them.
    """
    starts = np.cumsum([0, *(len(part.lower) for part in parts)])
    return Rows(
        np.concatenate([part.row + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
    )


def covering_rows(covers: BoolArray) -> Rows:
    """
    A cell counts as covered only if something that covers it is taken.

    Parameters
    ----------
    covers
        Which things cover which cells, shape ``(things, cells)``.

    Returns
    -------
    rows
        One per cell, over the columns of the things and then those of the cells.
    """
    n_things, n_cells = covers.shape
    cell, thing = np.nonzero(covers.T)
    row = np.concatenate([cell, np.arange(n_cells)])
    order = np.argsort(row, kind="stable")
    column = np.concatenate([thing, n_things + np.arange(n_cells)])
    value = np.concatenate([-np.ones(len(cell)), np.ones(n_cells)])
    return Rows(row[order], column[order], value[order], np.full(n_cells, -np.inf), np.zeros(n_cells))


def one_row(column: npt.ArrayLike, value: npt.ArrayLike, lower: float, upper: float) -> Rows:
    """
    A single constraint.

    Parameters
    ----------
    column
        Columns in it, shape ``(z,)``.
    value
        Their coefficients, shape ``(z,)``.
    lower, upper
        Its sides.

    Returns
    -------
    rows
        One row.
    """
    columns = np.asarray(column, dtype=np.int64)
    return Rows(
        np.zeros(len(columns), dtype=np.int64),
        columns,
        np.broadcast_to(np.asarray(value, dtype=np.float64), columns.shape).copy(),
        np.array([lower], dtype=np.float64),
        np.array([upper], dtype=np.float64),
    )
