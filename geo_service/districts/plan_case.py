"""
The written case of a plan: why here, why not longer hours, and what if we are wrong, on paper the same day.

Words come from numbers that stand in a table of the same document, written by the same rule; the workbook holds
every table whole.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from geo_service import __version__
from geo_service.districts.answers import parse_states
from geo_service.districts.plan_checks import equity_json, verdict_json
from geo_service.districts.plan_words import case_words
from geo_service.districts.planning import Planner
from geo_service.engine.router import UNREACHED
from geo_service.finder import CoverageQuestion, Wish
from geo_service.paper.documents import Block, Document, Heading, Paragraph, Picture, text_of
from geo_service.paper.figures import Mark, draw_clock, draw_curve, draw_streets
from geo_service.paper.writing import Sheet
from geo_service.planning.measures import Choice, Measure, Menu, choose_best, choose_greedily
from geo_service.planning.sensitivity import Verdict
from geo_service.planning.solve import Watch

Answer = dict[str, Any]

SHOWN = 12
"""Rows of long tables on paper; the workbook has all."""

CURVE_STEPS = 20
"""How far the marginal curve goes."""

WEEKDAY_14 = 14
"""Hour of the week that the map shows: Monday 14:00."""


class Case(NamedTuple):
    """
    A written case.

    Parameters
    ----------
    document
        To be written as DOCX or HTML.
    sheets
        Every table whole, for a workbook.
    title
        Its title.
    description
        What it is made of, in one line.
    """

    document: Document
    sheets: tuple[Sheet, ...]
    title: str
    description: str


class _Found(NamedTuple):
    """What the case is written from."""

    planner: Planner
    menu: Menu
    best: Choice
    greedy: Choice
    curve: Choice
    verdict: Verdict
    clock: Answer
    equity: Answer | None
    on: date


def build_case(
    planner: Planner,
    budget_yuan: float,
    verdict: Verdict,
    on: date,
    lang: str = "zh",
    watch: Watch | None = None,
) -> Case:
    """
    Write the case for what a budget should be spent on.

    Parameters
    ----------
    planner
        The district and the planner's parameters.
    budget_yuan
        What may be spent.
    verdict
        Whether the first measure survives errors, from `plan_checks.judge_plan`.
    on
        The day of the case.
    lang
        ``"zh"`` or ``"en"``.
    watch
        Told of progress of the solver.

    Returns
    -------
    case
        Text, figures and tables.
    """
    menu = planner.menu(planner.measures(planner.candidates))
    found = _Found(
        planner,
        menu,
        choose_best(menu, budget_yuan, watch=watch),
        choose_greedily(menu, budget_yuan),
        choose_greedily(menu, float("inf"), CURVE_STEPS),
        verdict,
        planner.clock_json(),
        equity_json(planner) if "community" in planner.district.layer_names() else None,
        on,
    )
    words = case_words(lang)
    sheets = _sheets(found, words, budget_yuan)
    title = words["title"].format(name=_name(found, lang), layer=_layer(found, lang))
    document = Document(title, lang, on, _blocks(found, words, sheets, lang), _foot(found, words, lang))
    return Case(document, tuple(sheets.values()), title, document.foot)


def _name(found: _Found, lang: str) -> str:
    district = found.planner.district
    return district.name_zh if lang == "zh" else district.name_en


def _layer(found: _Found, lang: str) -> str:
    category = found.planner.district.catalogue[found.planner.parameters.need.layer]
    return category.zh if lang == "zh" else category.en


def _ranked(menu: Menu, kind: str | None = None) -> list[int]:
    """Positions of the measures that add most for their price, of one kind or of all."""
    worth = menu.alone / menu.cost_yuan
    order = np.argsort(-worth, kind="stable").tolist()
    return [m for m in order if worth[m] > 0 and kind in (None, menu.measures[m].kind)]


def _row(menu: Menu, m: int, words: dict[str, str]) -> list[Any]:
    measure, reach = menu.measures[m], float(menu.alone[m])
    return [
        words[measure.kind], measure.name, round(measure.cost_yuan), round(reach, 1),
        _percent(reach / menu.total if menu.total else 0.0), round(reach / measure.cost_yuan * 10_000, 1),
    ]  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None or np.isnan(share) else round(share * 100, 1)


def _sheets(found: _Found, words: dict[str, str], budget_yuan: float) -> dict[str, Sheet]:
    menu, menu_heads = found.menu, words["menu_heads"].split("|")
    ranked = _ranked(menu)
    sheets = {
        "now": Sheet(words["now"], words["now_heads"].split("|"), [_now(found)]),
        "menu": Sheet(words["menu"], menu_heads, [_row(menu, m, words) for m in ranked]),
        "steps": Sheet(words["steps"], words["step_heads"].split("|"), _step_rows(found.best, words)),
        "curve": Sheet(words["curve"], words["step_heads"].split("|"), _step_rows(found.curve, words)),
        "trials": Sheet(words["trials"], words["trial_heads"].split("|"), _trial_rows(found, words)),
        "clock": Sheet(words["clock"], words["clock_heads"].split("|"), _clock_rows(found)),
        "left": Sheet(words["left"], words["left_heads"].split("|"), _left_rows(found, words)),
    }
    if found.equity is not None:
        sheets["equity"] = Sheet(
            words["equity"], words["equity_heads"].split("|"), _equity_rows(found, words)
        )
    sheets["parameters"] = Sheet(
        words["parameters"], words["parameter_heads"].split("|"), _parameter_rows(found, words, budget_yuan)
    )
    return sheets


def _now(found: _Found) -> list[Any]:
    clock = found.clock
    return [
        clock["places"], _percent(clock["covered_share"]), _percent(clock["at"]["02:00"]["covered_share"]),
        _percent(clock["at"]["14:00"]["covered_share"]), _percent(clock["always_covered_share"]),
        clock["unreached"]["points"],
    ]  # fmt: skip


def _step_rows(choice: Choice, words: dict[str, str]) -> list[list[Any]]:
    menu = choice.menu
    return [
        [
            i, words[menu.measures[step.measure].kind], menu.measures[step.measure].name,
            round(menu.measures[step.measure].cost_yuan), round(step.reach, 1), round(step.added, 1),
            round(step.cumulative, 1), _percent((menu.standing + step.cumulative) / menu.total),
            round(step.added / menu.measures[step.measure].cost_yuan * 10_000, 1),
        ]
        for i, step in enumerate(choice.steps, 1)
    ]  # fmt: skip


def _trial_rows(found: _Found, words: dict[str, str]) -> list[list[Any]]:
    said = verdict_json(found.verdict)
    names = {measure.id: measure.name for measure in found.menu.measures}
    rows: list[list[Any]] = [
        [words[kind], words["all_seeds"], f"{_percent(share)} %", names.get(said["winner"], "")]
        for kind, share in said["survival_share"].items()
    ]
    if rows:
        whole = f"{_percent(found.verdict.survival_share())} %"
        rows.append([words["every_kind"], words["all_seeds"], whole, names.get(said["winner"], "")])
    for trial in found.verdict.trials:
        if not trial.is_seeded:
            kept = words["kept"] if trial.winner == said["winner"] else words["lost"]
            rows.append([words[trial.kind], trial.what, kept, names.get(trial.winner, "")])
    return rows


def _clock_rows(found: _Found) -> list[list[Any]]:
    rows = []
    for i, day in enumerate(found.clock["week"]):
        shares = found.clock["clock"][i * 24 : i * 24 + 24]
        rows.append([day["date"], *(_percent(share) for share in shares)])
    return rows


def _left_rows(found: _Found, words: dict[str, str]) -> list[list[Any]]:
    return [
        [hour, row["name"], words[row["kind"]], row["size"], round(row["rider_hours"], 2)]
        for hour in ("02:00", "14:00")
        for row in found.clock["at"][hour]["left_out"]
    ]


def _equity_rows(found: _Found, words: dict[str, str]) -> list[list[Any]]:
    assert found.equity is not None
    rows: list[list[Any]] = [
        [row["name"] or words["outside"], round(row["rider_hours"], 1), _percent(row["covered_share"])]
        for row in found.equity["communities"]
    ]
    return [*rows, [words["gini"], None, found.equity["gini"]]]


def _parameter_rows(found: _Found, words: dict[str, str], budget_yuan: float) -> list[list[Any]]:
    given, district = found.planner.parameters, found.planner.district
    versions = ", ".join(f"{name} {district.places(name).version}" for name in district.layer_names())
    rows: list[list[Any]] = [
        [words["need"], str(given.need)],
        [words["also"], ", ".join(map(str, given.also)) or "–"],
        [words["minutes"], f"{given.minutes:g} min, {given.profile}"],
        [words["week"], f"{found.clock['week'][0]['date']} – {found.clock['week'][6]['date']}"],
        [words["accept"], ", ".join(given.accept) or "–"],
        [words["budget"], round(budget_yuan)],
        [
            words["prices"],
            ", ".join(f"{k.removesuffix('_yuan')} {v:g}" for k, v in vars(given.prices).items()),
        ],
        [words["groups"], ", ".join(f"{g.zh}/{g.en} {g.riders:g}" for g in given.groups)],
        [words["demand"], ", ".join(f"{words[k]} {v:g}" for k, v in found.clock["demand"].items())],
        [words["layers"], versions],
        [words["osm"], district.config.osm_date or "–"],
    ]
    return rows


def _blocks(found: _Found, words: dict[str, str], sheets: dict[str, Sheet], lang: str) -> list[Block]:
    blocks: list[Block] = []
    if found.planner.district.synthetic:
        blocks.append(Paragraph(words["synthetic"], is_strong=True))
    blocks += [Paragraph(text, is_strong=i == 0) for i, text in enumerate(_says(found, words, lang))]
    blocks += [Heading(words["where"]), _map(found, words, lang), _cut(sheets["steps"])]
    blocks += [Heading(words["why_not"]), Paragraph(_why_not(found, words)), _three(found, words)]
    blocks += [Heading(words["when"]), _clock_picture(found, words, lang), sheets["now"]]
    blocks += [Heading(words["true"]), sheets["trials"]]
    blocks += [Heading(words["further"]), _curve_picture(found, words, lang)]
    blocks += [
        Heading(words["who"]),
        *([_cut(sheets["equity"])] if "equity" in sheets else []),
        _cut(sheets["left"]),
    ]
    blocks += [Heading(words["from_what"]), sheets["parameters"]]
    return blocks


def _cut(sheet: Sheet) -> Sheet:
    return sheet if len(sheet.rows) <= SHOWN else Sheet(sheet.title, sheet.headings, sheet.rows[:SHOWN])


def _says(found: _Found, words: dict[str, str], lang: str) -> list[str]:
    """The verdict first, then what is proposed and what it changes."""
    said, now = verdict_json(found.verdict), _now(found)
    texts = [said["says"][lang] + words["stop"]]
    if not found.best.steps:
        return [*texts, words["nothing"]]
    first = _step_rows(found.best, words)[0]
    last = _step_rows(found.best, words)[-1]
    texts.append(
        words["proposed"].format(
            name=first[2],
            kind=first[1],
            cost=text_of(first[3]),
            added=text_of(first[5]),
            worth=text_of(first[8]),
        )
    )
    texts.append(
        words["changes"].format(
            before=text_of(now[1]),
            after=text_of(last[7]),
            night=text_of(now[2]),
            day=text_of(now[3]),
            count=last[0],
        )
    )
    return texts


def _why_not(found: _Found, words: dict[str, str]) -> str:
    ranked, hours = _ranked(found.menu), _ranked(found.menu, "hours")
    if not ranked:
        return words["nothing"]
    if not hours:
        return words["no_hours"]
    first, longer = _row(found.menu, ranked[0], words), _row(found.menu, hours[0], words)
    form = words["hours_win"] if ranked[0] == hours[0] else words["hours_lose"]
    return form.format(
        longer=longer[1], worth=text_of(longer[5]), first=first[1], first_worth=text_of(first[5])
    )


def _three(found: _Found, words: dict[str, str]) -> Sheet:
    """Three candidates, and the best of each other kind beside them."""
    ranked = _ranked(found.menu)
    kinds = [_ranked(found.menu, kind)[:1] for kind in ("hours", "site", "service", "merchant")]
    rows = list(dict.fromkeys([*ranked[:3], *(m for best in kinds for m in best)]))
    return Sheet(words["three"], words["menu_heads"].split("|"), [_row(found.menu, m, words) for m in rows])


def _map(found: _Found, words: dict[str, str], lang: str) -> Picture:
    planner = found.planner
    given, network = planner.parameters, planner.district.network(planner.parameters.profile)
    question = CoverageQuestion(
        given.need.layer, planner.cutoff_ms, planner.week.monday, planner.week.instants[WEEKDAY_14], given.profile,
        Wish(given.need.services), parse_states(given.accept),
    )  # fmt: skip
    cost_ms = planner.district.finder.coverage(question).cover.middle_ms()
    is_covered = (cost_ms != UNREACHED) & (cost_ms <= planner.cutoff_ms)
    lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
    lines = np.split(lonlat, network.first_point[1:-1])
    marks = [Mark(*place.target, "", "place") for place in planner.stand.places.places]
    marks += _proposals(found)
    png = draw_streets(lines, is_covered.tolist(), marks, lang)
    caption = words["map_caption"].format(minutes=text_of(given.minutes))
    return Picture(png, caption, caption)


def _proposals(found: _Found) -> list[Mark]:
    at = {one.id: (one.lon, one.lat) for one in found.planner.candidates}
    at |= {place.id: place.target for place in found.planner.stand.places.places}
    marks = []
    for number, step in enumerate(found.best.steps[:SHOWN], 1):
        lonlat = at.get(_place_of(found.menu.measures[step.measure]))
        if lonlat is not None:
            marks.append(Mark(*lonlat, str(number), "chosen"))
    return marks


def _place_of(measure: Measure) -> str:
    """Id of the place or candidate that a measure is about."""
    _, _, rest = measure.id.partition(":")
    return rest.rpartition(":")[0] if measure.kind == "hours" else rest


def _clock_picture(found: _Found, words: dict[str, str], lang: str) -> Picture:
    def numbers(shares: Sequence[float | None]) -> list[float]:
        return [np.nan if share is None else share for share in shares]

    labels = [day["date"][5:] for day in found.clock["week"]]
    png = draw_clock(numbers(found.clock["clock"]), numbers(found.clock["backup_clock"]), lang, labels)
    return Picture(png, words["clock_caption"], words["clock_caption"])


def _curve_picture(found: _Found, words: dict[str, str], lang: str) -> Picture:
    menu = found.menu
    covered = [menu.standing, *(menu.standing + step.cumulative for step in found.curve.steps)]
    percent = [value / menu.total * 100 if menu.total else 0.0 for value in covered]
    png = draw_curve(percent, np.diff(percent).tolist(), lang)
    return Picture(png, words["curve_caption"], words["curve_caption"])


def _foot(found: _Found, words: dict[str, str], lang: str) -> str:
    district = found.planner.district
    parts = [
        words["foot"].format(name=_name(found, lang), on=found.on.isoformat(), version=__version__),
        "© OpenStreetMap 贡献者 (ODbL)" if lang == "zh" else "© OpenStreetMap contributors (ODbL)",
    ]
    if district.map_approval:
        parts.append(district.map_approval)
    if district.synthetic:
        parts.append(words["synthetic"])
    return " · ".join(parts)
