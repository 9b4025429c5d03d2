"""
The written case of a plan: why here, why not longer hours, and what if we are wrong, on paper the same day.

Words come from numbers that stand in a table of the same document, written by the same rule; the workbook holds
every table whole.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service import __version__
from geo_service.districts.plans.areas import HourAreas
from geo_service.districts.plans.checks import equity_json, verdict_json
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.words import case_words
from geo_service.finder.stretches import lengths_m
from geo_service.geo import metres_per_degree
from geo_service.paper.documents import Beside, Block, Break, Document, Heading, Paragraph, Picture, text_of
from geo_service.paper.figures import Mark, draw_clock, draw_curve, draw_streets
from geo_service.paper.writing import Sheet
from geo_service.planning.measures import Choice, Measure, Menu, choose_best, choose_greedily
from geo_service.planning.parameters import Need
from geo_service.planning.sensitivity import Verdict, counting
from geo_service.planning.solve import Watch

Answer = dict[str, Any]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SHOWN = 12
"""Rows of long tables on paper; the workbook has all."""

APART_M = 500.0
"""Candidates set beside each other are at least so far apart: neighbours are one proposal."""

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
    three
        That of the candidates beside each other, the recommended one first.
    title
        Its title.
    description
        What it is made of, in one line.
    """

    document: Document
    sheets: tuple[Sheet, ...]
    three: Sheet
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
    three: tuple[int, ...]
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
        _pick_three(planner, menu),
        on,
    )
    words = case_words(lang)
    sheets = _sheets(found, words, budget_yuan)
    title = words["title"].format(name=_name(found, lang), layer=_layer(found, lang))
    document = Document(title, lang, on, _blocks(found, words, sheets, lang), _foot(found, words, lang))
    return Case(document, tuple(sheets.values()), sheets["three"], title, document.foot)


def _name(found: _Found, lang: str) -> str:
    district = found.planner.district
    return district.name_zh if lang == "zh" else district.name_en


def _layer(found: _Found, lang: str) -> str:
    category = found.planner.district.catalogue[found.planner.parameters.need.layer]
    return category.zh if lang == "zh" else category.en[:1].lower() + category.en[1:]


def _ranked(menu: Menu, kind: str | None = None) -> list[int]:
    """Positions of the measures that add most for their price, of one kind or of all."""
    worth = menu.alone / menu.cost_yuan
    order = np.argsort(-worth, kind="stable").tolist()
    return [m for m in order if worth[m] > 0 and kind in (None, menu.measures[m].kind)]


def _pick_three(planner: Planner, menu: Menu) -> tuple[int, ...]:
    """The best for its price, and the two best that are something else: of another kind, or elsewhere."""
    at, counts = _places(planner), counting(menu)
    picked: list[int] = []
    for m in _ranked(menu):
        if counts[m] and all(_is_other(menu.measures[m], menu.measures[other], at) for other in picked):
            picked.append(m)
        if len(picked) == 3:
            break
    return tuple(picked)


def _is_other(one: Measure, other: Measure, at: dict[str, tuple[float, float]]) -> bool:
    here, there = at.get(_place_of(one)), at.get(_place_of(other))
    return one.kind != other.kind or here is None or there is None or _crow_m(here, there) >= APART_M


def _places(planner: Planner) -> dict[str, tuple[float, float]]:
    """Where candidates and the places that stand are, by id."""
    at = {one.id: (one.lon, one.lat) for one in planner.candidates}
    return at | {place.id: place.target for place in planner.stand.places.places}


def _crow_m(here: tuple[float, float], there: tuple[float, float]) -> float:
    east_m, north_m = metres_per_degree((here[1] + there[1]) / 2)
    return float(np.hypot((here[0] - there[0]) * east_m, (here[1] - there[1]) * north_m))


def _called(measure: Measure, words: dict[str, str]) -> str:
    """A gate is named after its compound, in the language of the case."""
    if measure.kind != "gate":
        return measure.name
    return words["gate_of"].format(name=measure.name.removesuffix(" gate"))


def _row(menu: Menu, m: int, words: dict[str, str]) -> list[Any]:
    measure, reach = menu.measures[m], float(menu.alone[m])
    return [
        words[measure.kind], _called(measure, words), round(measure.cost_yuan), round(reach, 1),
        _percent((menu.standing + reach) / menu.total if menu.total else 0.0),
        round(reach / measure.cost_yuan * 10_000, 1),
    ]  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None or np.isnan(share) else round(share * 100, 1)


def _sheets(found: _Found, words: dict[str, str], budget_yuan: float) -> dict[str, Sheet]:
    menu = found.menu

    def sheet(key: str, heads: str, rows: list[list[Any]]) -> Sheet:
        return Sheet(words[key], words[heads].split("|"), rows)

    sheets = {
        "now": _now_sheet(found, words),
        "three": sheet("three", "three_heads", _three_rows(found, words)),
        "menu": sheet("menu", "menu_heads", [_row(menu, m, words) for m in _ranked(menu)]),
        "steps": sheet("steps", "step_heads", _step_rows(found.best, words)),
        "curve": sheet("curve", "step_heads", _step_rows(found.curve, words)),
        "trials": sheet("trials", "trial_heads", _trial_rows(found, words)),
        "clock": sheet("clock", "clock_heads", _clock_rows(found)),
        "left": sheet("left", "left_heads", _left_rows(found, words)),
    }
    if found.equity is not None:
        sheets["equity"] = sheet("equity", "equity_heads", _equity_rows(found, words))
    sheets["parameters"] = sheet("parameters", "parameter_heads", _parameter_rows(found, words, budget_yuan))
    return sheets


def _now_sheet(found: _Found, words: dict[str, str]) -> Sheet:
    row = _now(found)
    width = len(row) if found.equity is not None else len(row) - EQUITY_COLUMNS
    return Sheet(words["now"], words["now_heads"].split("|")[:width], [row[:width]])


EQUITY_COLUMNS = 3
"""What the last columns of the present say of communities, where there are any."""


def _now(found: _Found) -> list[Any]:
    clock, equity = found.clock, found.equity or {}
    worst = equity.get("worst") or {}
    return [
        clock["places"], _percent(clock["covered_share"]), _percent(clock["at"]["02:00"]["covered_share"]),
        _percent(clock["at"]["14:00"]["covered_share"]), _percent(clock["always_covered_share"]),
        clock["unreached"]["points"], equity.get("gini"), worst.get("name"), _percent(worst.get("covered_share")),
    ]  # fmt: skip


MARKS = "★", "▲", "▲"


def _three_rows(found: _Found, words: dict[str, str]) -> list[list[Any]]:
    """Three candidates, the recommended one first, and the best of each kind that is not among them."""
    menu, at = found.menu, _places(found.planner)
    kinds = {menu.measures[m].kind for m in found.three}
    others = [
        _ranked(menu, kind)[:1]
        for kind in ("hours", "site", "service", "merchant", "gate")
        if kind not in kinds
    ]
    marks = [f"{mark} {number}" for number, mark in enumerate(MARKS, 1)]
    rows = [(mark, m) for mark, m in zip(marks, found.three, strict=False)]
    rows += [("–", m) for best in others for m in best]
    return [
        [mark, *_row(menu, m, words), _lonlat_text(at.get(_place_of(menu.measures[m])))] for mark, m in rows
    ]


def _lonlat_text(lonlat: tuple[float, float] | None) -> str:
    return "" if lonlat is None else f"{lonlat[0]:.5f}, {lonlat[1]:.5f}"


def _step_rows(choice: Choice, words: dict[str, str]) -> list[list[Any]]:
    menu = choice.menu
    return [
        [
            i, words[menu.measures[step.measure].kind], _called(menu.measures[step.measure], words),
            round(menu.measures[step.measure].cost_yuan), round(step.reach, 1), round(step.added, 1),
            round(step.cumulative, 1), _percent((menu.standing + step.cumulative) / menu.total),
            round(step.added / menu.measures[step.measure].cost_yuan * 10_000, 1),
        ]
        for i, step in enumerate(choice.steps, 1)
    ]  # fmt: skip


def _trial_rows(found: _Found, words: dict[str, str]) -> list[list[Any]]:
    said = verdict_json(found.verdict)
    names = {measure.id: _called(measure, words) for measure in found.menu.measures}
    winner = names.get(said["winner"], "")
    rows: list[list[Any]] = []
    for kind, share in said["survival_share"].items():
        tried = sum(trial.kind == kind and trial.is_seeded for trial in found.verdict.trials)
        held = words["held"].format(share=text_of(_percent(share)))
        rows.append([words[f"error_{kind}"], words["seeds"].format(count=tried), held, None])
    if rows:
        share, tried = found.verdict.survival_share(), sum(t.is_seeded for t in found.verdict.trials)
        whole = words["held"].format(share=text_of(_percent(share)))
        rows.append([words["every_kind"], words["seeds"].format(count=tried), whole, winner])
    for trial in found.verdict.trials:
        if not trial.is_seeded:
            kept = words["kept"] if trial.winner == said["winner"] else words["lost"]
            what = trial.what.replace(" min", words["min"])
            rows.append([words[trial.kind], what, kept, names.get(trial.winner, "")])
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
    return [
        [row["name"] or words["outside"], round(row["rider_hours"], 1), _percent(row["covered_share"])]
        for row in found.equity["communities"]
    ]


def _parameter_rows(found: _Found, words: dict[str, str], budget_yuan: float) -> list[list[Any]]:
    given, district = found.planner.parameters, found.planner.district
    zh = words["lang"] == "zh"
    week = found.clock["week"]
    also = [[words["also"], ", ".join(_need_text(found, need, zh) for need in given.also)]]
    accept = [[words["accept"], ", ".join(words[state] for state in given.accept)]]
    tried = [[words["tried"], _changes_text(found, words)]]
    two = f" ({words['two_of_them']})" if given.stations == 2 else ""
    demand = (
        words["demand"]
        if given.demand is None
        else words[f"demand_{given.demand.use}"].format(name=given.demand.name)
    )
    prices = ", ".join(f"{words[k.removesuffix('_yuan')]} {v:g}" for k, v in vars(given.prices).items())
    return [
        [
            words["need"],
            f"{_need_text(found, given.need, zh)}{two}; {_near(found.planner, words)}, {words[given.profile]}",
        ],
        *(also if given.also else []),
        [words["week"], f"{week[0]['date']} – {week[6]['date']}"],
        *(accept if given.accept else []),
        *(tried if given.changes else []),
        [words["prices"], f"{prices}; {words['budget']} {budget_yuan:g}"],
        [words["groups"], ", ".join(f"{g.zh if zh else g.en} {g.riders:g}" for g in given.groups)],
        [demand, ", ".join(f"{words[k]} {v:g}" for k, v in found.clock["demand"].items())],
        [words["layers"], _layers_text(found, zh)],
        [words["sources"], _sources_text(found)],
        [
            words["osm"],
            f"{district.config.osm_date[:10] or '–'}; {district.network(given.profile).fingerprint[:12]}",
        ],
    ]


def _near(planner: Planner, words: dict[str, str]) -> str:
    """How near is near enough, with its unit."""
    given = planner.parameters
    if given.metres is not None:
        return f"{given.metres:g}{words['metres']}"
    return f"{given.minutes:g}{words['min']}"


def _changes_text(found: _Found, words: dict[str, str]) -> str:
    given = found.planner.parameters
    names = {place.id: place.name for place in found.planner.district.places(given.need.layer).features}
    return "; ".join(
        " ".join(
            filter(None, (words[f"do_{one.do}"], one.name or names.get(one.place, one.place), one.hours))
        )
        for one in given.changes
    )


def _need_text(found: _Found, need: Need, zh: bool) -> str:
    catalogue = found.planner.district.catalogue
    layer, services = catalogue[need.layer], [catalogue.services[kind] for kind in need.services]
    return " + ".join([layer.zh if zh else layer.en, *(one.zh if zh else one.en for one in services)])


def _layers_text(found: _Found, zh: bool) -> str:
    district = found.planner.district
    held = [(district.catalogue[name], district.places(name).version) for name in district.layer_names()]
    return ", ".join(f"{one.zh if zh else one.en} {version}" for one, version in held)


def _sources_text(found: _Found) -> str:
    district = found.planner.district
    told = [
        f"{feature.provenance.source} ({feature.provenance.licence})"
        for name in district.layer_names()
        for feature in district.places(name).features
        if feature.provenance.source
    ]
    most = [source for source, _ in Counter(told).most_common(SOURCES_SHOWN)]
    return ", ".join(["OpenStreetMap (ODbL)", *(source for source in most if "OpenStreetMap" not in source)])


SOURCES_SHOWN = 4


def _blocks(found: _Found, words: dict[str, str], sheets: dict[str, Sheet], lang: str) -> list[Block]:
    """One page that says it all, and an annex with the tables it rests on."""
    texts = [Paragraph(text, is_strong=i == 0) for i, text in enumerate(_says(found, words, lang))]
    notice = [Paragraph(words["synthetic"], is_strong=True)] if found.planner.district.synthetic else []
    three = sheets["three"]
    short = Sheet("", [three.headings[i] for i in THREE_ON_PAGE], [_short(row) for row in three.rows])
    why: list[Block] = [
        Heading(words["where"]),
        short,
        Heading(words["why_not"]),
        Paragraph(_why_not(found, words)),
    ]
    doubts: list[Block] = [Heading(words["true"]), sheets["trials"]._replace(title="")]
    return [
        *notice,
        *texts,
        Beside([_map(found, words, lang)], [*why, *doubts], 0.45),
        Heading(words["when"]),
        _clock_picture(found, words, lang),
        sheets["now"]._replace(title=""),
        Heading(words["from_what"]),
        sheets["parameters"]._replace(title=""),
        Break(),
        *_annex(found, words, sheets, lang),
    ]


THREE_ON_PAGE = (0, 2, 3, 4, 5, 6)
"""Columns of the candidates that the page has room for."""


def _short(row: Sequence[Any]) -> list[Any]:
    mark, kind, name, *numbers, _ = row
    return [mark, f"{name} · {kind}", *numbers]


def _annex(found: _Found, words: dict[str, str], sheets: dict[str, Sheet], lang: str) -> list[Block]:
    blocks: list[Block] = [
        Heading(words["annex"]), sheets["steps"], sheets["three"], _cut(sheets["menu"], words),
        Heading(words["further"]), _curve_picture(found, words, lang), Heading(words["who"]),
    ]  # fmt: skip
    left_out = _cut_left(sheets["left"], words)
    if "equity" not in sheets:
        return [*blocks, left_out]
    return [*blocks, Beside([_cut(sheets["equity"], words)], [left_out], 0.45)]


def _cut(sheet: Sheet, words: dict[str, str]) -> Sheet:
    if len(sheet.rows) <= SHOWN:
        return sheet
    return sheet._replace(title=sheet.title + words["cut"], rows=sheet.rows[:SHOWN])


def _cut_left(sheet: Sheet, words: dict[str, str]) -> Sheet:
    """As many names of the one hour as of the other."""
    by_hour = [[row for row in sheet.rows if row[0] == hour][: SHOWN // 2] for hour in ("02:00", "14:00")]
    rows = [row for some in by_hour for row in some]
    return (
        sheet if len(rows) == len(sheet.rows) else sheet._replace(title=sheet.title + words["cut"], rows=rows)
    )


def _says(found: _Found, words: dict[str, str], lang: str) -> list[str]:
    """The verdict first, then what is proposed and what it changes."""
    said, now = verdict_json(found.verdict), _now(found)
    texts = [said["says"][lang] + words["stop"]]
    if not found.three:
        return [*texts, words["nothing"]]
    kind, name, cost, added, after, worth = map(text_of, _row(found.menu, found.three[0], words))
    texts.append(
        words["proposed"].format(
            name=name, kind=kind, cost=cost, added=added, worth=worth, before=text_of(now[1]), after=after,
            night=text_of(now[2]), day=text_of(now[3]),
        )
    )  # fmt: skip
    if found.best.steps:
        last = _step_rows(found.best, words)[-1]
        texts[-1] += words["changes"].format(count=last[0], after=text_of(last[7]))
    return texts


def _why_not(found: _Found, words: dict[str, str]) -> str:
    hours = _ranked(found.menu, "hours")
    if not found.three:
        return words["nothing"]
    first = _row(found.menu, found.three[0], words)
    text = words["no_hours"]
    if hours:
        longer = _row(found.menu, hours[0], words)
        form = words["hours_win"] if found.three[0] == hours[0] else words["hours_lose"]
        text = form.format(
            longer=longer[1], worth=text_of(longer[5]), first=first[1], first_worth=text_of(first[5])
        )
    small = _ranked(found.menu)[0]
    if small == found.three[0]:
        return text
    kind, name, _, added, _, worth = map(text_of, _row(found.menu, small, words))
    return text + words["small"].format(name=name, kind=kind, added=added, worth=worth)


def _map(found: _Found, words: dict[str, str], lang: str) -> Picture:
    planner = found.planner
    network = planner.router.network
    covered = HourAreas(planner, WEEKDAY_14).covered(planner.parameters.stations)
    covered_m = np.bincount(covered.link, lengths_m(network, covered), network.n_links)
    is_covered = covered_m * 2000 >= network.link_length_mm
    lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
    marks = _marks(found)
    shown = _is_shown(lonlat[(network.first_point[:-1] + network.first_point[1:]) // 2], planner, marks)
    lines = np.split(lonlat, network.first_point[1:-1])
    png = draw_streets(
        [lines[link] for link in np.flatnonzero(shown)], is_covered[shown].tolist(), marks, lang
    )
    count = words["one_open" if planner.parameters.stations == 1 else "two_open"]
    caption = words["map_caption"].format(near=_near(planner, words), count=count)
    return Picture(png, caption, caption)


def _is_shown(middle: FloatArray, planner: Planner, marks: Sequence[Mark]) -> BoolArray:
    """Streets around demand and marks: an extract may reach far beyond both."""
    held = np.vstack([planner.demand.lonlat, [(mark.lon, mark.lat) for mark in marks] or [middle[0]]])
    low, high = held.min(axis=0), held.max(axis=0)
    edge = (high - low) * MAP_EDGE_SHARE
    shown: BoolArray = ((middle >= low - edge) & (middle <= high + edge)).all(axis=1)
    return shown


MAP_EDGE_SHARE = 0.05


def _marks(found: _Found) -> list[Mark]:
    """What stands, the three candidates, and what else the budget pays for."""
    at, menu = _places(found.planner), found.menu
    marks = [Mark(*place.target, "", "place") for place in found.planner.stand.places.places]
    later = [step.measure for step in found.best.steps if step.measure not in found.three]
    marks += [
        Mark(*lonlat, "", "later")
        for lonlat in (at.get(_place_of(menu.measures[m])) for m in later)
        if lonlat is not None
    ]
    for number, m in enumerate(found.three, 1):
        lonlat = at.get(_place_of(menu.measures[m]))
        if lonlat is not None:
            marks.append(Mark(*lonlat, str(number), "chosen" if number == 1 else "other"))
    return marks


def _place_of(measure: Measure) -> str:
    """Id of the place or candidate that a measure is about."""
    _, _, rest = measure.id.partition(":")
    return measure.group.partition(":")[2] if measure.kind == "hours" else rest


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
