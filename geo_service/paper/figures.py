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

DPI = 150
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
        ``"place"``, ``"chosen"`` or ``"other"``.
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
    Draw the coverage clock: a heat strip of the week, and a line for a workday and a day off.

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
        The picture.

    Raises
    ------
    InvalidInputError
        If there are not 168 shares and 7 labels.
    """
    week, backup = np.asarray(share, dtype=np.float64), np.asarray(backup_share, dtype=np.float64)
    if week.shape != (168,) or backup.shape != (168,) or len(labels) != 7:
        raise InvalidInputError("a clock has 168 shares and 7 labels", parameter="share", value=week.shape)
    lang = figure_language(lang)
    figure = _figure(7.2, 4.4)
    strip, lines = figure.subplots(2, 1, height_ratios=[7, 4])
    image = strip.imshow(week.reshape(7, 24) * 100, cmap="YlGnBu", vmin=0, vmax=100, aspect="auto")
    for day in range(7):
        for hour in range(24):
            value = week[day * 24 + hour]
            said = "–" if np.isnan(value) else f"{value * 100:.0f}"
            colour = "white" if value > 0.55 else "black"
            strip.text(hour, day, said, ha="center", va="center", fontsize=6.5, color=colour)
    strip.set_yticks(
        range(7), [f"{name} {label}" for name, label in zip(DAYS[lang], labels, strict=True)], fontsize=7.5
    )
    strip.set_xticks(range(0, 24, 2), [f"{hour:02}" for hour in range(0, 24, 2)], fontsize=7.5)
    figure.colorbar(image, ax=strip, pad=0.01).set_label("%", fontsize=8)
    words = {
        "zh": ("周一，至少一处", "周日，至少一处", "周一，至少两处"),
        "en": ("Mo, one place", "Su, one place", "Mo, two places"),
    }
    hours = np.arange(24)
    for values, style, said in zip(
        (week[:24], week[144:], backup[:24]), ("k-", "k--", "k:"), words[lang], strict=True
    ):
        lines.step(hours, values * 100, style, where="post", label=said, linewidth=1.4)
    lines.set_xlim(0, 23.5)
    lines.set_ylim(0, 100)
    lines.set_xticks(range(0, 24, 2), [f"{hour:02}:00" for hour in range(0, 24, 2)], fontsize=7.5)
    lines.set_ylabel({"zh": "覆盖 %", "en": "covered %"}[lang], fontsize=8)
    lines.grid(visible=True, linewidth=0.3)
    lines.legend(fontsize=7.5, loc="best", frameon=True)
    return _png(figure)


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
    figure = _figure(7.2, 2.8)
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
        The picture, north up.
    """
    from matplotlib.collections import LineCollection

    lang = figure_language(lang)
    figure = _figure(7.2, 6.2)
    axes = figure.subplots()
    for covered, colour, width in ((False, "0.72", 0.5), (True, "0.15", 1.3)):
        some = [line for line, is_so in zip(lines, is_covered, strict=True) if is_so == covered]
        axes.add_collection(LineCollection(some, colors=colour, linewidths=width))
    shapes = {"place": ("o", "white", 42), "chosen": ("*", "black", 190), "other": ("^", "0.6", 50)}
    for kind, (marker, face, size) in shapes.items():
        of_kind = [mark for mark in marks if mark.kind == kind]
        if of_kind:
            at = np.array([(mark.lon, mark.lat) for mark in of_kind])
            axes.scatter(
                at[:, 0],
                at[:, 1],
                s=size,
                marker=marker,
                facecolor=face,
                edgecolor="black",
                zorder=3,
                label=_MARKS[lang][kind],
            )
        for mark in of_kind:
            axes.annotate(
                mark.text,
                (mark.lon, mark.lat),
                textcoords="offset points",
                xytext=(6, 4),
                fontsize=7.5,
                zorder=4,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            ) if mark.text else None
    axes.autoscale()
    lat = np.radians(np.mean(axes.get_ylim()))
    axes.set_aspect(1 / np.cos(lat))
    axes.set_axis_off()
    axes.plot(
        [],
        [],
        color="0.15",
        linewidth=1.3,
        label={"zh": "时限内有站点的街道", "en": "streets with a place in time"}[lang],
    )
    axes.plot([], [], color="0.72", linewidth=0.5, label={"zh": "缺口", "en": "gap"}[lang])
    axes.legend(fontsize=7.5, loc="lower left", frameon=True)
    axes.annotate(
        "N",
        (0.97, 0.97),
        xytext=(0.97, 0.90),
        xycoords="axes fraction",
        ha="center",
        fontsize=9,
        arrowprops={"arrowstyle": "<-"},
    )
    axes.annotate(
        "© OpenStreetMap 贡献者 (ODbL)" if lang == "zh" else "© OpenStreetMap contributors (ODbL)",
        (0.99, 0.01),
        xycoords="axes fraction",
        ha="right",
        fontsize=6.5,
    )
    return _png(figure)


_MARKS = {
    "zh": {"place": "现有站点", "chosen": "推荐", "other": "备选"},
    "en": {"place": "standing", "chosen": "recommended", "other": "considered"},
}


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
