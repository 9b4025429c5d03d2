"""Words of the written case, Chinese and English side by side."""

from collections.abc import Mapping

HOURS = "|".join(f"{hour:02}" for hour in range(24))

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": (
        "{name}：{layer}布点与措施建议书",
        "{name}: the next {layer}",
    ),
    "synthetic": (
        "本文由合成数据生成，街道、站点与时间均为虚构，不代表任何真实街道。",
        "Made from synthetic data: streets, places and hours are invented and stand for no real district.",
    ),
    "stop": (
        "。",
        ".",
    ),
    "nothing": (
        "在所给预算内，没有任何一项措施能增加覆盖。",
        "No measure adds any coverage for this budget.",
    ),
    "proposed": (
        (
            "建议首先实施：{name}（{kind}），年费用 {cost} 元（示例价格）：每周新增覆盖 {added} 骑手时，"
            "每万元 {worth} 骑手时，一周覆盖率由 {before}% 升至 {after}%。目前 02:00 为 {night}%，14:00 为 "
            "{day}%。"
        ),
        (
            "Proposed first: {name} ({kind}), {cost} yuan a year (example price): it adds {added} covered "
            "rider-hours a week, {worth} per 10,000 yuan, and lifts the week's coverage from {before}% to "
            "{after}%. At present it is {night}% at 02:00 and {day}% at 14:00."
        ),
    ),
    "changes": (
        "预算内最优的 {count} 项措施（见附件）合计可达 {after}%。",
        " The best {count} measures for the whole budget (annex) reach {after}%.",
    ),
    "where": (
        "三个候选，推荐其一",
        "Three candidates, one recommended",
    ),
    "why_not": (
        "为什么不是延长现有站点的时间",
        "Why not longer hours at those that stand",
    ),
    "no_hours": (
        "现有站点均已全天开放，延长时间不再增加任何覆盖。",
        "All that stand are open all day already; longer hours add nothing.",
    ),
    "hours_win": (
        "延长时间正是首选：{longer}，每万元 {worth} 骑手时。",
        "Longer hours are the first choice: {longer}, {worth} rider-hours per 10,000 yuan.",
    ),
    "hours_lose": (
        (
            "延长时间中最好的一项是“{longer}”，每万元 {worth} 骑手时；首选“{first}”为每万元 {first_worth} "
            "骑手时。"
        ),
        (
            "The best of the longer hours is “{longer}” with {worth} rider-hours per 10,000 yuan; the first "
            "choice “{first}” has {first_worth}."
        ),
    ),
    "when": (
        "什么时候有、什么时候没有",
        "When there is one, and when not",
    ),
    "true": (
        "如果我们错了",
        "What if we are wrong",
    ),
    "further": (
        "再多一项能增加多少",
        "What one more would add",
    ),
    "who": (
        "谁还没有",
        "Who is left out",
    ),
    "from_what": (
        "依据",
        "What this rests on",
    ),
    "map_caption": (
        (
            "图 1  周一 14:00 出发，{near}内有{count}开放站点的街道（粗）与缺口（细）。★ 推荐，▲ 候选，"
            "编号同右表；○ 现有站点。"
        ),
        (
            "Figure 1. Monday 14:00: streets with {count} within {near} (bold) and gaps "
            "(thin). ★ recommended, ▲ considered, numbered as in the table; ○ standing."
        ),
    ),
    "clock_caption": (
        "图 2  一周 168 小时的覆盖率（%），02 时与 14 时加框；右为周一、周日逐时，及至少两处的覆盖率。",
        (
            "Figure 2. Covered % by hour of the week, 02:00 and 14:00 framed; right: Monday, Sunday, and two "
            "places at once."
        ),
    ),
    "curve_caption": (
        "图 3  按每元新增排序的前 20 项措施：每步新增与累计。",
        "Figure 3. The first 20 measures by what they add per yuan: each step, and the sum.",
    ),
    "now": (
        "现状",
        "As things stand",
    ),
    "now_heads": (
        (
            "站点数|一周覆盖 %|02:00 覆盖 %|14:00 覆盖 %|全部 168 小时均覆盖 "
            "%|街道不可达的需求点|各社区基尼系数|覆盖最差的社区|该社区覆盖 %"
        ),
        (
            "places|week %|02:00 %|14:00 %|in all 168 hours %|demand points no street reaches|Gini over "
            "communities|worst community|its coverage %"
        ),
    ),
    "menu": (
        "全部措施",
        "All measures",
    ),
    "menu_heads": (
        "措施|名称|年费用（元，示例）|单独新增（骑手时/周）|实施后覆盖 %|每万元新增",
        "measure|name|yuan a year (example)|adds alone (rider-hours/week)|covered then %|per 10,000 yuan",
    ),
    "three": (
        "候选比较（同类之间至少相距 500 米，各至少新增全部骑手时的 0.5 %）",
        (
            "Candidates beside each other (those of a kind 500 m apart, each adding 0.5 % of all rider-hours "
            "or more)"
        ),
    ),
    "steps": (
        "建议措施（预算内最优）",
        "Proposed measures (best for the budget)",
    ),
    "step_heads": (
        "序|措施|名称|年费用（元，示例）|单独覆盖|本步新增|累计新增|累计覆盖 %|每万元新增",
        "no.|measure|name|yuan a year (example)|reach alone|added|sum|covered %|per 10,000 yuan",
    ),
    "curve": (
        "边际曲线",
        "Marginal curve",
    ),
    "trials": (
        "敏感性",
        "Sensitivity",
    ),
    "trial_heads": (
        "假设|变化|结果|此时的首选",
        "assumption|change|outcome|first choice then",
    ),
    "every_kind": (
        "以上各类合计",
        "all of these kinds",
    ),
    "kept": (
        "首选不变",
        "stays first",
    ),
    "lost": (
        "首选改变",
        "another wins",
    ),
    "cutoff": (
        "时限",
        "cutoff",
    ),
    "speed": (
        "速度",
        "speed",
    ),
    "clock": (
        "覆盖时钟",
        "Coverage clock",
    ),
    "clock_heads": (
        "日期|" + HOURS,
        "date|" + HOURS,
    ),
    "left": (
        "仍未覆盖的名称",
        "Names still left out",
    ),
    "left_heads": (
        "时刻|名称|类别|数量|骑手时",
        "hour|name|kind|size|rider-hours",
    ),
    "equity": (
        "各社区",
        "Communities",
    ),
    "equity_heads": (
        "社区|骑手时/周|覆盖 %",
        "community|rider-hours/week|covered %",
    ),
    "outside": (
        "（不在任何社区内）",
        "(in no community)",
    ),
    "parameters": (
        "参数与数据",
        "Parameters and data",
    ),
    "parameter_heads": (
        "项目|取值",
        "what|value",
    ),
    "need": (
        "所规划的，时限",
        "planned, and within",
    ),
    "also": (
        "同时需要",
        "needed besides",
    ),
    "week": (
        "所看的一周",
        "week looked at",
    ),
    "accept": (
        "也视为开放",
        "also counts as open",
    ),
    "budget": (
        "预算",
        "budget",
    ),
    "prices": (
        "年单价（元，示例）",
        "prices a year (yuan, example)",
    ),
    "groups": (
        "骑手群体与高峰人数（示例）",
        "groups and riders at their peak (example)",
    ),
    "demand": (
        "需求（由地图与图层推算的代用量）",
        "demand (a proxy from map and layers)",
    ),
    "demand_instead": (
        "需求（来自文件 {name}）",
        "demand (of the file {name})",
    ),
    "demand_besides": (
        "需求（由地图与图层推算，另加文件 {name}）",
        "demand (a proxy from map and layers, and the file {name})",
    ),
    "layers": (
        "图层及版本",
        "layers and versions",
    ),
    "osm": (
        "街道：OSM 数据日期；指纹",
        "streets: date of OSM data; fingerprint",
    ),
    "site": (
        "新站点",
        "new site",
    ),
    "hours": (
        "延长时间",
        "longer hours",
    ),
    "service": (
        "增加服务",
        "another service",
    ),
    "merchant": (
        "签约商户",
        "merchant signed",
    ),
    "gate": (
        "门禁通行",
        "gate pass",
    ),
    "meal": (
        "餐饮",
        "kitchens",
    ),
    "dwelling": (
        "住宅（户）",
        "dwellings",
    ),
    "office": (
        "办公",
        "offices",
    ),
    "shop": (
        "商店",
        "shops",
    ),
    "express_site": (
        "快递网点（人）",
        "outlets (heads)",
    ),
    "gathering_point": (
        "聚集点（人）",
        "gathering points (heads)",
    ),
    "upload": (
        "上传",
        "uploaded",
    ),
    "foot": (
        "{name} · {on} · geo_service {version} · 需求、价格与骑手人数均为示例代用量",
        "{name} · {on} · geo_service {version} · demand, prices and numbers of riders are example proxies",
    ),
    "lang": (
        "zh",
        "en",
    ),
    "annex": (
        "附件：本页所依据的表",
        "Annex: the tables behind the page",
    ),
    "cut": (
        "（节选，全部见工作簿）",
        " (the first rows; all are in the workbook)",
    ),
    "three_heads": (
        "图中|措施|名称|年费用（元）|新增骑手时/周|实施后覆盖 %|每万元新增|位置（WGS 84）",
        "map|measure|name|yuan a year|adds hours a week|covered then %|per 10,000 yuan|where (WGS 84)",
    ),
    "held": (
        "{share} % 仍为首选",
        "first in {share} %",
    ),
    "seeds": (
        "{count} 次随机",
        "{count} seeds",
    ),
    "min": (
        " 分钟",
        " min",
    ),
    "metres": (
        " 米",
        " m",
    ),
    "one_open": (
        "",
        "an open place",
    ),
    "two_open": (
        "两处",
        "two open places",
    ),
    "two_of_them": (
        "要有两处",
        "two of them",
    ),
    "tried": (
        "已计入的改动",
        "changes counted as made",
    ),
    "do_site": (
        "新站点",
        "new site",
    ),
    "do_hours": (
        "改开放时间",
        "other hours at",
    ),
    "do_close": (
        "关闭",
        "close",
    ),
    "error_demand": (
        "各点需求 ±50 %",
        "demand ±50 %",
    ),
    "error_places": (
        "一成站点有误",
        "a tenth of places wrong",
    ),
    "error_streets": (
        "一成街道缺失",
        "a tenth of streets missing",
    ),
    "sources": (
        "来源",
        "sources",
    ),
    "walk": (
        "步行",
        "on foot",
    ),
    "ebike": (
        "电动自行车",
        "by e-bike",
    ),
    "unknown": (
        "未知",
        "unknown hours",
    ),
    "stale": (
        "久未核实",
        "long unverified",
    ),
    "hour": (
        "每周每小时",
        "an hour a week",
    ),
    "gate_of": (
        "{name}大门",
        "{name} gate",
    ),
    "small": (
        (
            "“{name}”（{kind}）每万元 {worth} 骑手时，但只新增 {added} 骑手时，不足全部骑手时的 0.5 %，"
            "不作首选，可与首选同时实施。"
        ),
        (
            " “{name}” ({kind}) has {worth} per 10,000 yuan, but adds only {added} rider-hours, less than "
            "0.5 % of all: no first choice, and may come with it."
        ),
    ),
}


def case_words(lang: str) -> dict[str, str]:
    """
    Words of a language.

    Parameters
    ----------
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    words
        By key; headings of a table are joined by bars.
    """
    column = 1 if lang == "en" else 0
    return {key: pair[column] for key, pair in _WORDS.items()}
