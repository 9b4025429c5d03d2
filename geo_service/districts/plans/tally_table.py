"""The table of many districts: a row each, failures too, and what a province would cost."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from geo_service.districts.plans.many import Tallied
from geo_service.errors import InvalidInputError
from geo_service.paper.writing import Sheet, Value, write_csv, write_xlsx
from geo_service.planning.demand import HOURS
from geo_service.planning.parameters import Parameters

Answer = dict[str, Any]

COLUMNS: Mapping[str, str] = {
    "district": "片区",
    "name": "名称",
    "outcome": "结果",
    "reason": "原因",
    "synthetic": "合成数据",
    "places": "站点数",
    "demand_points": "需求点",
    "rider_hours": "骑手时/周",
    "covered_share": "一周覆盖",
    "covered_0200_share": "02:00 覆盖",
    "covered_1400_share": "14:00 覆盖",
    "always_covered_share": "168 小时均覆盖",
    "street_m": "街道长度（米）",
    "street_covered_share": "街道覆盖",
    "unreached_points": "街道不可达的需求点",
    "cpu_s": "处理器秒",
    "wall_s": "用时（秒）",
    "peak_mb": "内存峰值（MB）",
    "worker": "工作进程",
    "fingerprint": "指纹",
    "directory": "目录",
}
"""Names of columns, and how a workbook says them in Chinese besides."""

_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
HOUR_COLUMNS = tuple(f"{_DAYS[hour // 24]}_{hour % 24:02}" for hour in range(HOURS))

FORMATS = ("csv", "xlsx")

PROVINCE = 1000
"""Districts that an estimate is said for."""

NOTICE = "demand is a proxy, riders are examples (示例); synthetic rows stand for no real district"


def row_of(tallied: Tallied) -> dict[str, Value]:
    """
    Say what became of one district as a row.

    Parameters
    ----------
    tallied
        Done, kept or failed.

    Returns
    -------
    row
        Values by the names of `COLUMNS`; nothing where a district that failed has none.
    """
    said = {
        "outcome": tallied.outcome,
        "reason": tallied.reason or None,
        "directory": str(tallied.directory),
        "district": tallied.tally.get("district", tallied.directory.name),
    }
    return {name: said.get(name, tallied.tally.get(name)) for name in COLUMNS}


def estimate(rows: Sequence[Tallied], workers: int) -> Answer | None:
    """
    Say what more districts like these would cost.

    Parameters
    ----------
    rows
        What is known; those that failed are left out.
    workers
        Processes that would share the work.

    Returns
    -------
    answer
        ``cpu_s`` in the median and at most, ``peak_mb`` at most, CPU seconds per 10,000 demand points, and CPU hours
        and hours of a thousand districts on so many workers; None if no district is known.
    """
    known = [row.tally for row in rows if row.tally]
    if not known:
        return None
    cpu_s = np.array([tally["cpu_s"] for tally in known])
    points = sum(tally["demand_points"] for tally in known)
    hours = float(cpu_s.mean()) * PROVINCE / 3600
    return {
        "measured": len(known),
        "cpu_s_median": round(float(np.median(cpu_s)), 3),
        "cpu_s_most": round(float(cpu_s.max()), 3),
        "peak_mb_most": max(tally["peak_mb"] for tally in known),
        "cpu_s_per_10000_points": round(float(cpu_s.sum()) / points * 10_000, 3),
        "districts": PROVINCE,
        "cpu_hours": round(hours, 3),
        "workers": workers,
        "hours": round(hours / workers, 3),
    }


def check_table_format(name: str) -> str:
    """
    Read from a file's name how the table is written.

    Parameters
    ----------
    name
        Of the file.

    Returns
    -------
    form
        ``"csv"`` or ``"xlsx"``.

    Raises
    ------
    InvalidInputError
        If it ends otherwise.
    """
    form = name.rpartition(".")[2].lower()
    if form not in FORMATS:
        raise InvalidInputError(
            f"-o {name}: the table of many districts is written as {' or '.join(FORMATS)}",
            parameter="-o",
            value=name,
        )
    return form


def write_table(
    rows: Sequence[Tallied], parameters: Parameters, cost: Answer | None, on: date, form: str
) -> bytes:
    """
    Write the table.

    Parameters
    ----------
    rows
        In the order in which they shall stand.
    parameters
        What was asked.
    cost
        From `estimate`.
    on
        Day that a workbook says it was made.
    form
        ``"csv"``: one table, the 168 hours behind; ``"xlsx"``: districts, clock, and what was asked.

    Returns
    -------
    data
        The file.
    """
    districts = [list(row_of(row).values()) for row in rows]
    clocks = [_clock(row) for row in rows]
    if form == "csv":
        whole = [[*row, *clock] for row, clock in zip(districts, clocks, strict=True)]
        return write_csv([*COLUMNS, *HOUR_COLUMNS], whole)
    named = [[row[0], *clock] for row, clock in zip(districts, clocks, strict=True)]
    sheets = [
        Sheet("片区 districts", [f"{zh} {name}" for name, zh in COLUMNS.items()], districts),
        Sheet("覆盖时钟 clock", ["片区 district", *HOUR_COLUMNS], named),
        Sheet("参数 asked", ["项目 what", "取值 value"], _asked(parameters, cost)),
    ]
    return write_xlsx(sheets, title="各片区覆盖 Coverage of many districts", description=NOTICE, on=on)


def _clock(row: Tallied) -> list[Value]:
    return list(row.tally["clock"]) if row.tally else [None] * HOURS


def _asked(parameters: Parameters, cost: Answer | None) -> list[list[Value]]:
    asked = parameters.to_json()
    rows: list[list[Value]] = [
        [name, str(asked[name])] for name in ("need", "also", "profile", "minutes", "week", "accept")
    ]
    rows.append(["groups", ", ".join(f"{g.zh}/{g.en} {g.riders:g}" for g in parameters.groups)])
    rows += [[f"estimate: {name}", value] for name, value in (cost or {}).items()]
    return [*rows, ["notice", NOTICE], ["©", "OpenStreetMap 贡献者 contributors (ODbL)"]]
