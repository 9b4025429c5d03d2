"""
Figures for a written case, as PNG: the coverage clock, a map on streets, and what each further measure adds.

Legible in black and white: one colour scale whose lightness alone tells the value, numbers beside colours, lines told
apart by dashes and marks. The same values give the same bytes on one machine.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]

DPI = 200
"""Fine enough for small print on paper."""

DAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"),
}

_CJK = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
)


class Mark(NamedTuple):
    """
    A point on a map.

    Parameters
    ----------
    lon, lat
        WGS 84 degrees.
    text
        A few characters beside it; may be empty.
    kind
        ``"place"``, ``"chosen"``, ``"other"`` or ``"later"``: stands, recommended, considered, of a later step.
    """

    lon: float
    lat: float
    text: str
    kind: str


@lru_cache(maxsize=1)
def chinese_font() -> str | None:
    """
    A font of this machine that has Chinese characters.

    Returns
    -------
    family
        Its name; None if there is none, and then figures speak English.
    """
    from matplotlib import font_manager

    held = {font.name for font in font_manager.fontManager.ttflist}
    return next((family for family in _CJK if family in held), None)


def figure_language(lang: str) -> str:
    """
    The language a figure can speak here.

    Parameters
    ----------
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    lang
        English where no Chinese font is installed.
    """
    return "zh" if lang == "zh" and chinese_font() else "en"


def draw_clock(share: npt.ArrayLike, backup_share: npt.ArrayLike, lang: str, labels: Sequence[str]) -> bytes:
    """
    Draw the coverage clock: a heat strip of the week, and beside it lines for a workday and a day off.

    Parameters
    ----------
    share
        Covered share in each hour, Monday first; not a number where nobody is out, shape ``(168,)``.
    backup_share
        Share with two open places, likewise.
    lang
        ``"zh"`` or ``"en"``.
    labels
        A word for each day, such as its date.

    Returns
    -------
    png
        The picture, as wide as a page.

    Raises
    ------
    InvalidInputError
        If there are not 168 shares and 7 labels.
    """
    week, backup = np.asarray(share, dtype=np.float64), np.asarray(backup_share, dtype=np.float64)
    if week.shape != (168,) or backup.shape != (168,) or len(labels) != 7:
        raise InvalidInputError("a clock has 168 shares and 7 labels", parameter="share", value=week.shape)
    lang = figure_language(lang)
    figure = _figure(7.0, 1.72)
    strip, lines = figure.subplots(1, 2, width_ratios=[19, 9])
    days = [f"{name} {label}" for name, label in zip(DAYS[lang], labels, strict=True)]
    _draw_strip(strip, week.reshape(7, 24) * 100, days)
    _draw_lines(lines, (week[:24], week[144:], backup[:24]), lang)
    return _png(figure)


def _draw_strip(axes: Any, percent: FloatArray, days: Sequence[str]) -> None:
    """Dark is covered; the number stands in each field, so that no colour need be told from another."""
    axes.imshow(percent, cmap="YlGnBu", vmin=0, vmax=100, aspect="auto")
    for (day, hour), value in np.ndenumerate(percent):
        said = "–" if np.isnan(value) else f"{value:.0f}"
        colour = "white" if value > 55 else "black"
        axes.text(hour, day, said, ha="center", va="center", fontsize=5.6, color=colour)
    axes.set_yticks(range(7), days, fontsize=6)
    axes.set_xticks(range(24), [f"{hour:02}" for hour in range(24)], fontsize=6)
    axes.tick_params(length=0, pad=2)
    for hour in (2, 14):  # the two hours that the text names
        axes.add_patch(_frame(hour))


def _frame(hour: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((hour - 0.5, -0.5), 1, 7, fill=False, edgecolor="black", linewidth=1.1, zorder=3)


def _draw_lines(axes: Any, values: Sequence[FloatArray], lang: str) -> None:
    words = {
        "zh": ("周一，至少一处", "周日，至少一处", "周一，至少两处"),
        "en": ("Mo, one place", "Su, one place", "Mo, two places"),
    }
    hours = np.arange(25)
    for share, style, said in zip(values, ("k-", "k--", "k:"), words[lang], strict=True):
        closed = np.append(share, share[-1]) * 100  # the last hour has an end, too
        axes.step(hours, closed, style, where="post", label=said, linewidth=1.2)
    axes.set_xlim(0, 24)
    axes.set_ylim(0, 100)
    axes.set_xticks(range(0, 25, 6), [f"{hour:02}" for hour in range(0, 25, 6)], fontsize=6)
    axes.set_yticks(range(0, 101, 25), [str(tick) for tick in range(0, 101, 25)], fontsize=6)
    axes.set_ylabel("%", fontsize=6.5, labelpad=1)
    axes.grid(visible=True, linewidth=0.3)
    axes.legend(fontsize=5.6, loc="best", frameon=True, handlelength=2.4, borderpad=0.3)


def draw_curve(cumulative: Sequence[float], single: Sequence[float], lang: str) -> bytes:
    """
    Draw what each further measure adds.

    Parameters
    ----------
    cumulative
        Covered rider-hours a week after each step, in percent of all, the present first.
    single
        What each step adds, percentage points, one fewer.
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    png
        The picture.
    """
    lang = figure_language(lang)
    figure = _figure(7.0, 2.3)
    axes = figure.subplots()
    steps = np.arange(len(cumulative))
    axes.bar(
        steps[1:],
        single,
        color="0.75",
        edgecolor="black",
        hatch="//",
        linewidth=0.6,
        label={"zh": "本步新增", "en": "added by the step"}[lang],
    )
    axes.plot(
        steps,
        cumulative,
        "ko-",
        markersize=4,
        linewidth=1.4,
        label={"zh": "累计覆盖", "en": "covered so far"}[lang],
    )
    for step, value in zip(steps, cumulative, strict=True):
        axes.annotate(
            f"{value:.1f}", (step, value), textcoords="offset points", xytext=(0, 5), ha="center", fontsize=7
        )
    axes.set_xticks(
        steps, [{"zh": "现状", "en": "now"}[lang], *(str(step) for step in steps[1:])], fontsize=8
    )
    axes.set_ylabel({"zh": "骑手时 %", "en": "rider-hours %"}[lang], fontsize=8)
    axes.set_ylim(0, min(108.0, max(cumulative) * 1.25 + 1))
    axes.grid(visible=True, axis="y", linewidth=0.3)
    axes.legend(fontsize=7.5, loc="best")
    return _png(figure)


def draw_streets(
    lines: Sequence[FloatArray], is_covered: Sequence[bool], marks: Sequence[Mark], lang: str
) -> bytes:
    """
    Draw streets with and without a place near enough, the places, and what is proposed.

    Parameters
    ----------
    lines
        Pieces of street, lon and lat, shape ``(p, 2)`` each.
    is_covered
        Whether each has a place near enough.
    marks
        Places and proposals.
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    png
        The picture, half as wide as a page, north up, with a scale.
    """
    from matplotlib.collections import LineCollection

    lang = figure_language(lang)
    figure = _figure(3.6, 3.55)
    axes = figure.subplots()
    for covered, colour, width in ((False, "0.72", 0.35), (True, "0.1", 0.85)):
        some = [line for line, is_so in zip(lines, is_covered, strict=True) if is_so == covered]
        said = _STREETS[lang][covered]
        axes.add_collection(LineCollection(some, colors=colour, linewidths=width, label=said))
    for kind in _SHAPES:
        _draw_marks(axes, [mark for mark in marks if mark.kind == kind], kind, lang)
    axes.autoscale()
    axes.margins(0.01)
    lat = np.radians(np.mean(axes.get_ylim()))
    axes.set_aspect(1 / np.cos(lat))
    axes.set_axis_off()
    _draw_scale(axes, float(np.cos(lat)))
    figure.legend(fontsize=6, loc="outside lower center", ncols=3, frameon=False, columnspacing=1.2)
    credit = "© OpenStreetMap 贡献者 (ODbL)" if lang == "zh" else "© OpenStreetMap contributors (ODbL)"
    axes.annotate(credit, (1.0, -0.035), xycoords="axes fraction", ha="right", fontsize=5)
    return _png(figure)


_STREETS = {
    "zh": {True: "时限内有开放站点", False: "缺口"},
    "en": {True: "open place in time", False: "gap"},
}
_MARKS = {
    "zh": {"place": "现有", "other": "候选", "later": "预算内其他措施", "chosen": "推荐"},
    "en": {
        "place": "standing",
        "other": "considered",
        "later": "else in the budget",
        "chosen": "recommended",
    },
}
_SHAPES = {
    "place": ("o", "white", 20),
    "later": ("s", "white", 26),
    "other": ("^", "0.75", 42),
    "chosen": ("*", "black", 120),
}
"""Mark, fill and size: told apart by form alone; the most important is drawn last."""


def _draw_marks(axes: Any, marks: Sequence[Mark], kind: str, lang: str) -> None:
    if not marks:
        return
    marker, face, size = _SHAPES[kind]
    lon, lat = [mark.lon for mark in marks], [mark.lat for mark in marks]
    axes.scatter(
        lon, lat, s=size, marker=marker, facecolor=face, edgecolor="black", linewidth=0.8, zorder=3,
        label=_MARKS[lang][kind],
    )  # fmt: skip
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}
    for mark in marks:
        if mark.text:
            axes.annotate(
                mark.text, (mark.lon, mark.lat), textcoords="offset points", xytext=(5, 4), fontsize=7.5,
                fontweight="bold", zorder=5, bbox=box,
            )  # fmt: skip


def _draw_scale(axes: Any, cos_lat: float) -> None:
    """A bar of a round length, about a quarter of the map wide, and north above it."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    metre = 1 / (_M_PER_DEGREE * cos_lat)
    quarter_m = (east - west) / metre / 4
    length_m = max((m for m in _SCALES_M if m <= quarter_m), default=_SCALES_M[0])
    left, low = west + 0.01 * (east - west), south - 0.02 * (north - south)
    axes.plot([left, left + length_m * metre], [low, low], color="black", linewidth=2, clip_on=False)
    said = f"{length_m} m" if length_m < 1000 else f"{length_m / 1000:g} km"
    axes.text(left + length_m * metre, low, f" {said}", fontsize=6, va="center", clip_on=False)
    axes.annotate(
        "N", (0.985, 0.985), xytext=(0.985, 0.90), xycoords="axes fraction", ha="center", fontsize=7,
        arrowprops={"arrowstyle": "<|-", "color": "black", "linewidth": 0.8},
    )  # fmt: skip


_M_PER_DEGREE = 111_320.0
_SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def _figure(width_in: float, height_in: float) -> Any:
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["font.family"] = [*([chinese_font()] if chinese_font() else []), "DejaVu Sans"]
    matplotlib.rcParams["axes.unicode_minus"] = False
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
