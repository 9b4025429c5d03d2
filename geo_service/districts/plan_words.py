"""Words of the written case, Chinese and English side by side."""

from collections.abc import Mapping

HOURS = "|".join(f"{hour:02}" for hour in range(24))

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": (
        "{name}：{layer}布点与措施建议书",
        "{name}: where the next {layer} goes, and which measures",
    ),
    "synthetic": (
        "本文由合成数据生成，街道、站点与时间均为虚构，不代表任何真实街道。",
        ("Made from synthetic data: streets, places and hours are invented and stand for no real district."),
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
            "建议首先实施：{name}（{kind}），年费用 {cost} 元（示例价格），每周新增覆盖 {added} 骑手时，"
            "每万元 {worth} 骑手时。"
        ),
        (
            "Proposed first: {name} ({kind}), {cost} yuan a year (example price); it adds {added} "
            "covered rider-hours a week, {worth} per 10,000 yuan."
        ),
    ),
    "changes": (
        (
            "共 {count} 项措施全部实施后，一周覆盖率由 {before}% 升至 {after}%。目前 02:00 为 {night}%，"
            "14:00 为 {day}%。"
        ),
        (
            "With all {count} measures the week's coverage rises from {before}% to {after}%. At present "
            "it is {night}% at 02:00 and {day}% at 14:00."
        ),
    ),
    "where": (
        "为什么是这里",
        "Why here",
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
            "延长时间中最好的一项是“{longer}”，每万元 {worth} 骑手时；首选“{first}”为每万元 "
            "{first_worth} 骑手时。"
        ),
        (
            "The best of the longer hours is “{longer}” with {worth} rider-hours per 10,000 yuan; the "
            "first choice “{first}” has {first_worth}."
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
            "图 1  周一 14:00 出发，{minutes} 分钟内有开放站点的街道（粗）与缺口（细）；星号为建议措施，"
            "编号同下表。"
        ),
        (
            "Figure 1. Monday 14:00: streets with an open place within {minutes} minutes (bold) and gaps "
            "(thin); stars are proposed measures, numbered as below."
        ),
    ),
    "clock_caption": (
        "图 2  一周 168 小时的覆盖率（%），下为周一与周日各小时及至少两处的覆盖率。",
        (
            "Figure 2. Covered share (%) in the 168 hours of a week; below, Monday and Sunday by hour, "
            "and two places at once."
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
        "站点数|一周覆盖 %|02:00 覆盖 %|14:00 覆盖 %|全部 168 小时均覆盖 %|街道不可达的需求点",
        "places|week %|02:00 %|14:00 %|in all 168 hours %|demand points no street reaches",
    ),
    "menu": (
        "全部措施",
        "All measures",
    ),
    "menu_heads": (
        "措施|名称|年费用（元，示例）|单独新增（骑手时/周）|占全部 %|每万元新增",
        "measure|name|yuan a year (example)|adds alone (rider-hours/week)|of all %|per 10,000 yuan",
    ),
    "three": (
        "候选比较",
        "Candidates beside each other",
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
    "all_seeds": (
        "全部随机误差",
        "all seeded errors",
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
    "places": (
        "一成站点有误",
        "a tenth of places wrong",
    ),
    "streets": (
        "一成街道缺失",
        "a tenth of streets missing",
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
        "社区|骑手时/周|覆盖 %（末行为基尼系数）",
        "community|rider-hours/week|covered % (last row: Gini)",
    ),
    "outside": (
        "（不在任何社区内）",
        "(in no community)",
    ),
    "gini": (
        "基尼系数",
        "Gini",
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
        "所规划的",
        "planned",
    ),
    "also": (
        "同时需要",
        "needed besides",
    ),
    "minutes": (
        "时限与方式",
        "cutoff and profile",
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
        "预算（元）",
        "budget (yuan)",
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
        "需求点（由地图与图层推算的代用量）",
        "demand points (a proxy from map and layers)",
    ),
    "layers": (
        "图层版本",
        "layer versions",
    ),
    "osm": (
        "OpenStreetMap 数据日期",
        "date of OpenStreetMap data",
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
        ("{name} · {on} · geo_service {version} · demand, prices and numbers of riders are example proxies"),
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
