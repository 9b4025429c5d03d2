"""
The layers of the two demo districts: counts and amenities of the two source articles, all else made up.

Both articles give no coordinates, hours, brands or prices; what stands here for those is synthetic,
and each feature says so.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from geo_service.demo.districts import DEMO_NAMES, boundary_corners, build_town, check_name
from geo_service.demo.plane import Point, apart, left_of, plus
from geo_service.demo.surveyor import ALWAYS, OFFICE, OVERNIGHT, SPLIT, Surveyor, shares
from geo_service.demo.town import Site
from geo_service.demo.words import POWER_BRANDS
from geo_service.layers import Access, Area, Feature, Inspection, Layer, Listing, Place, Power, Service

CODE_NOTE = "夜间门锁码向值守人员领取，此处不公布"
BENEFITS = ("discount", "rider_meal", "tyre_air")
STATION_A = (
    ("reading", "红色阅读角", None),
    ("canteen", "骑手食堂", "11:00-13:30,17:00-19:30"),
    ("meeting_room", "议事厅", "Mo-Fr 09:00-12:00,14:00-18:00"),
    ("air_conditioning", "空调", None),
    ("hot_water", "饮水机", None),
    ("microwave", "微波炉", None),
    ("first_aid", "应急药箱", None),
)
"""Kind, sign and usual hours of the seven amenities of each station of the first article."""

STATION_B = (
    ("rest", "歇脚", None),
    ("hot_water", "热水", None),
    ("phone_charging", "手机充电", None),
    ("meal_heating", "热饭", None),
    ("air_conditioning", "空调", None),
    ("microwave", "微波炉", None),
    ("drinking_water", "饮水机", None),
    ("reading", "理论书籍与行业报刊", None),
    ("leaflets", "政策资料", "Mo-Fr 09:00-17:00"),
)
"""The same of the stations of the second article."""


def build_demo_layers(name: str, on: date) -> tuple[Layer, ...]:
    """
    Make the layers of a demo district.

    Parameters
    ----------
    name
        One of `geo_service.demo.DEMO_NAMES`.
    on
        Day from which check days and validities are counted; nothing else depends on it.

    Returns
    -------
    layers
        By name; equal calls give equal layers.

    Raises
    ------
    NotFoundError
        If there is no such demo district.
    """
    surveyor = Surveyor(build_town(check_name(name)), boundary_corners(name), on)
    features = _xiangheyuan(surveyor) if name == DEMO_NAMES[0] else _yingze(surveyor)
    by_layer: dict[str, list[Feature]] = {}
    for feature in features:
        by_layer.setdefault(feature.layer, []).append(feature)
    return tuple(Layer(layer, tuple(found)) for layer, found in sorted(by_layer.items()))


def _xiangheyuan(surveyor: Surveyor) -> Iterator[Feature]:
    """The first article: 11 stations, 59 merchants, one block, and what riders need besides."""
    yield from _stations_a(surveyor)
    corner = surveyor.busiest_corner(("tertiary", "unclassified", "residential"))
    street = corner.street.tags["name"] if corner.street is not None else ""
    block_sites = surveyor.along(street, corner.pin, 26)
    yield _friendly_block(surveyor, street, block_sites)
    others = surveyor.spread({"shop": 59 - len(block_sites)}, 260.0)
    yield from _merchants(surveyor, [*block_sites, *others])
    yield from _amenities(surveyor, charging=14, swap=10, clinic=8, toilet=16, water=6)
    yield from _communities(surveyor)


def _yingze(surveyor: Surveyor) -> Iterator[Feature]:
    """The second article: 152 stations, 24 barbers, 24 outlets, 15 firms, a shopping area."""
    yield from _shopping_area(surveyor)
    yield from _stations_b(surveyor)
    yield from _barbers(surveyor)
    yield from _employers(surveyor)
    yield from _amenities(surveyor, charging=40, swap=28, clinic=24, toilet=60, water=18)
    yield from _communities(surveyor)


# --- stations


def _stations_a(surveyor: Surveyor) -> Iterator[Place]:
    """Eleven stations that never close, each with the same seven amenities, some of those with hours."""
    dice = surveyor.dice
    sites = surveyor.spread({"hall": 4, "lobby": 3, "shop": 3, "mall": 1}, 620.0)
    canteens = ("11:00-13:30,17:00-19:30", "11:00-13:30", "10:30-14:00,16:30-20:00", SPLIT, None)
    for number, site in enumerate(sites, 1):
        services = tuple(
            Service(kind, (dice.pick(canteens) if kind == "canteen" else hours), note)
            for kind, note, hours in STATION_A
        )
        yield surveyor.place(
            "station", number, site, surveyor.name("示范驿站", site),
            network="全时驿站", host_type=_host(site), hours=ALWAYS, services=services,
            access=_station_access(surveyor, site, always=True), station_code=f"SF-X-{number:03d}",
            class_=dice.weighted(((5, "standard"), (2, "micro"), (1, "below"))),
            **_station_facts(surveyor), open_to=("courier", "rider", "driver", "sanitation"),
        )  # fmt: skip


def _stations_b(surveyor: Surveyor) -> Iterator[Place]:
    """152 stations with the same nine amenities; hours of every sort, some unknown."""
    dice = surveyor.dice
    sites = surveyor.spread({"hall": 62, "lobby": 38, "shop": 44, "mall": 8}, 420.0)
    certain = (ALWAYS, SPLIT, OVERNIGHT, OFFICE, None)
    for number, site in enumerate(sites, 1):
        hours = certain[number - 1] if number <= len(certain) else surveyor.hours("station")
        services = tuple(
            Service(kind, usual if dice.chance(0.6) else None, note) for kind, note, usual in STATION_B
        )
        yield surveyor.place(
            "station", number, site, surveyor.name("示范驿站", site),
            network="暖蜂驿站", host_type=_host(site), hours=hours, services=services,
            access=_station_access(surveyor, site, always=hours == ALWAYS), station_code=f"SF-Y-{number:03d}",
            class_=dice.weighted(((6, "standard"), (3, "micro"), (2, "below"))),
            **_station_facts(surveyor), listing=_listing(surveyor), open_to=("courier", "driver", "rider"),
        )  # fmt: skip


def _host(site: Site) -> str:
    """Who hosts a station, by where it stands."""
    return {"hall": "社区党群服务中心", "lobby": "楼宇党群服务中心", "mall": "商圈党群服务中心"}.get(
        site.kind, "爱心驿站"
    )


def _station_access(surveyor: Surveyor, site: Site, *, always: bool) -> tuple[Access, ...]:
    """Ways in: staff by day and a code lock at night where the door never closes, else one way."""
    gate = (Access("gate", None, "从小区大门进入，非机动车可推行"),) if site.kind == "hall" else ()
    if always:
        kinds = (
            (Access("staff", "08:00-20:00"), Access("code", "20:00-08:00", CODE_NOTE)),
            (Access("staff", "07:00-22:00"), Access("qr", "22:00-07:00", "扫门口的码开门")),
            (Access("open"),),
        )
        return (*gate, *surveyor.dice.pick(kinds))
    return (*gate, *surveyor.dice.pick(((Access("open"),), (Access("staff"),), (Access("qr"),))))


def _station_facts(surveyor: Surveyor) -> dict[str, object]:
    """Size, seats, stands for e-bikes, last inspection."""
    dice = surveyor.dice
    area = dice.whole(9, 120)
    result = dice.weighted(((6, "合格"), (1, "整改中")))
    inspected = Inspection("示例街道办事处", surveyor.day(-dice.whole(20, 330)), result)
    return {
        "area_m2": area,
        "seats": max(area // 4, 2),
        "ebike_parking": dice.weighted(((1, True), (1, False), (3, dice.whole(4, 60)))),
        "inspection": inspected if dice.chance(0.7) else None,
    }


def _listing(surveyor: Surveyor) -> tuple[Listing, ...]:
    """What the vendor's map showed when somebody last looked."""
    dice = surveyor.dice
    status = dice.weighted(((8, "listed"), (1, "not_found"), (1, "wrong_position")))
    return (Listing("amap", status, surveyor.day(-dice.whole(3, 60))),)


# --- merchants


def _friendly_block(surveyor: Surveyor, street: str, sites: Sequence[Site]) -> Area:
    """Area along a street that holds the given shops."""
    line = next(site.street for site in sites if site.street is not None)
    along = [line.along(site.pin) for site in sites]
    low, high = min(along) - 25.0, max(along) + 25.0
    aside = [
        abs((site.pin[0] - line.a[0]) * -line.u[1] + (site.pin[1] - line.a[1]) * line.u[0]) for site in sites
    ]
    wide = max(aside) + 14.0
    v = left_of(line.u)
    a, b = line.point(low), line.point(high)
    corners = (plus(a, v, -wide), plus(b, v, -wide), plus(b, v, wide), plus(a, v, wide))
    return surveyor.area("block", 1, corners, f"示例·{street}友好街区")


TRADES: tuple[tuple[float, str, str, tuple[str, ...]], ...] = (
    (6, "food", "示例饭馆", ("rider_meal", "discount")),
    (4, "food", "示例面馆", ("rider_meal",)),
    (3, "food", "示例茶铺", ("discount",)),
    (4, "shop", "示例超市", ("discount",)),
    (3, "shop", "示例便利店", ("discount",)),
    (4, "repair", "示例修车铺", ("tyre_air", "discount")),
)
"""Weight, kind of hours, sign and benefits of the merchants' trades."""


def _merchants(surveyor: Surveyor, sites: Sequence[Site]) -> Iterator[Place]:
    """59 merchants with 52 benefits between them: 11 have none now, four have two."""
    dice = surveyor.dice
    counts = dice.mixed([0] * 11 + [1] * 44 + [2] * 4)
    for number, (site, count) in enumerate(zip(sites, counts, strict=True), 1):
        rows = [(row[0], row) for row in TRADES if len(row[3]) >= count]
        _, kind, sign, benefits = dice.weighted(rows)
        hours = surveyor.hours(kind)
        yield surveyor.place(
            "merchant", number, site, surveyor.sign(sign), host_type=kind, hours=hours,
            services=tuple(_benefit(surveyor, benefit) for benefit in benefits[:count]),
            ebike_parking=dice.chance(0.5) or None, open_to=("courier", "rider", "driver"),
        )  # fmt: skip


def _benefit(surveyor: Surveyor, kind: str) -> Service:
    """One benefit; some end soon, some have just ended, some begin later."""
    dice = surveyor.dice
    note, price, hours = {
        "discount": (
            dice.pick(("暖新折扣，出示骑手证", "暖新折扣，进店即享")),
            dice.pick(("9折", "8.8折", "8折")),
            None,
        ),
        "rider_meal": (
            "骑手套餐",
            dice.pick(("12元", "15元", "18元")),
            dice.pick(("10:30-13:30,17:00-19:30", None)),
        ),
        "tyre_air": ("免费打气", "0元", None),
    }[kind]
    start, end = dice.weighted(
        ((5, (None, None)), (5, (-120, dice.whole(25, 240))), (1, (-200, -dice.whole(3, 40))), (1, (9, 99)))
    )
    begin = surveyor.day(start) if start is not None else None
    return Service(kind, hours, note, price, begin, surveyor.day(end) if end is not None else None)


def _barbers(surveyor: Surveyor) -> Iterator[Place]:
    """24 barbers close together, each with a cheaper haircut."""
    dice = surveyor.dice
    sites = surveyor.spread({"shop": 24}, 110.0, around=(150.0, -950.0), within_m=950.0)
    for number, site in enumerate(sites, 1):
        end = surveyor.day(dice.whole(30, 300)) if dice.chance(0.5) else None
        price = dice.pick(("10元", "15元", "8折", "半价"))
        cut = Service("haircut", dice.pick((None, None, "Mo-Fr 10:00-17:00")), "理发优惠", price, None, end)
        yield surveyor.place(
            "merchant", number, site, surveyor.sign("示例理发店"), host_type="barber",
            hours=surveyor.hours("barber"), services=(cut,), open_to=("courier", "rider", "driver"),
        )  # fmt: skip


# --- employers


def _employers(surveyor: Surveyor) -> Iterator[Place]:
    """24 outlets with 457 staff and 15 firms with 63."""
    groups = (
        ("outlet", "示例快递网点", 24, 457, 6, {"shop": 14, "depot": 10}, 500.0),
        ("firm", "示例物流", 15, 63, 2, {"depot": 9, "lobby": 6}, 450.0),
    )
    number = 0
    for host_type, sign, count, staff, least, kinds, gap_m in groups:
        sites = surveyor.spread(kinds, gap_m)
        for site, headcount in zip(sites, shares(surveyor.dice, staff, count, least), strict=True):
            number += 1
            yield surveyor.place(
                "express_site", number, site, surveyor.name(sign, site), host_type=host_type,
                headcount=headcount, hours=surveyor.hours("depot"),
            )  # fmt: skip


def _shopping_area(surveyor: Surveyor) -> Iterator[Feature]:
    """Three express service stations and the riders' gathering point of one shopping quarter."""
    sites = surveyor.spread({"mall": 4}, 1.5, around=_busiest_mall(surveyor), within_m=190.0)
    for number, site in enumerate(sites[:3], 101):
        yield surveyor.place(
            "express_site", number, site, surveyor.name("示例快递服务站", site), host_type="service_station",
            hours=surveyor.hours("depot"), services=(Service("parcel", None, "快递收发"),),
        )  # fmt: skip
    meeting = sites[3]
    yield surveyor.place(
        "gathering_point", 1, meeting, surveyor.name("示例骑手聚集点", meeting), headcount=60,
        hours=None, open_to=("rider", "courier"),
    )  # fmt: skip
    corners = surveyor.ground(meeting.pin, "retail")
    yield surveyor.area("block", 1, corners, "示例·步行街商圈")


def _busiest_mall(surveyor: Surveyor) -> Point:
    """Middle of the shopping quarter nearest the middle of the district that has four free sites or more."""
    malls: list[Site] = [s for s in surveyor.town.sites if s.kind == "mall"]
    full = [s for s in malls if sum(apart(s.pin, other.pin) < 120.0 for other in malls) >= 8]
    return min(full, key=lambda s: apart(s.pin, (0.0, -300.0))).pin


# --- what riders need besides


def _amenities(surveyor: Surveyor, **counts: int) -> Iterator[Place]:
    """Cabinets, medical points, toilets and water, as many of each as asked."""
    yield from _cabinets(surveyor, "charging", counts["charging"])
    yield from _cabinets(surveyor, "swap", counts["swap"])
    yield from _clinics(surveyor, counts["clinic"])
    yield from _toilets(surveyor, counts["toilet"])
    yield from _water(surveyor, counts["water"])


def _gap(surveyor: Surveyor, count: int) -> float:
    """Distance that spreads so many sites over the district, metres."""
    return float(0.75 * (surveyor.district.area / count) ** 0.5)


def _cabinets(surveyor: Surveyor, layer: str, count: int) -> Iterator[Place]:
    """Charging and swap cabinets on the pavement, of made-up operators and several voltages."""
    dice = surveyor.dice
    kinds = {"kerb": count - count // 4, "shop": count // 4}
    sign = {"charging": "示例充电柜", "swap": "示例换电站"}[layer]
    service = {"charging": "bike_charging", "swap": "battery_swap"}[layer]
    for number, site in enumerate(surveyor.spread(kinds, _gap(surveyor, count)), 1):
        operator = dice.pick(POWER_BRANDS)
        plan = dice.pick(("月卡", "季卡", "按次")) if layer == "swap" else dice.pick(("按小时", "按电量"))
        voltages = dice.pick(((48,), (60,), (48, 60), (60, 72), (48, 60, 72)))
        power = Power(operator, plan, voltages, dice.whole(6, 24))
        access = Access("qr", None, "扫柜上的码") if dice.chance(0.8) else Access("staff")
        yield surveyor.place(
            layer, number, site, surveyor.name(sign, site), operator=operator, power=power,
            hours=surveyor.hours("cabinet"), services=(Service(service),), access=(access,),
        )  # fmt: skip


def _clinics(surveyor: Surveyor, count: int) -> Iterator[Place]:
    """Hospitals with an emergency room, clinics by day, pharmacies through the night."""
    hospitals = max(count // 6, 1)
    kinds = {"hospital": hospitals, "shop": count - hospitals}
    hours: str | None
    for number, site in enumerate(surveyor.spread(kinds, _gap(surveyor, count)), 1):
        if site.kind == "hospital":
            sign, hours = "示例医疗点（急诊）", ALWAYS
            services = (Service("emergency", ALWAYS, "急诊"), Service("medical", OFFICE, "门诊"))
        elif number % 3 == 0:
            sign, hours = "示例药房", surveyor.dice.pick((ALWAYS, "18:00-08:00", "08:00-22:00"))
            services = (Service("pharmacy"), Service("first_aid", None, "创可贴、碘伏"))
        else:
            sign, hours = "示例卫生服务站", surveyor.hours("clinic")
            services = (Service("medical"), Service("first_aid"))
        yield surveyor.place(
            "clinic", number, site, surveyor.name(sign, site), hours=hours, services=services,
            host_type=site.kind if site.kind == "hospital" else "clinic",
        )  # fmt: skip


def _toilets(surveyor: Surveyor, count: int) -> Iterator[Place]:
    """Public toilets; one is being repaired for some weeks."""
    kinds = {"kerb": count - 3, "park": 3}
    for number, site in enumerate(surveyor.spread(kinds, _gap(surveyor, count)), 1):
        closed: dict[str, object] = {}
        if number == 5:
            closed = {
                "status": "paused",
                "status_reason": "维修（示例）",
                "status_from": surveyor.day(-12),
                "status_until": surveyor.day(30),
            }
        yield surveyor.place(
            "toilet", number, site, surveyor.name("示例公厕", site), hours=surveyor.hours("toilet"),
            services=(Service("toilet"),), access=(Access("open"),), **closed,
        )  # fmt: skip


def _water(surveyor: Surveyor, count: int) -> Iterator[Place]:
    """Drinking water on pavements; the last one is a pop-up that ends soon."""
    sites = surveyor.spread({"kerb": count}, _gap(surveyor, count))
    for number, site in enumerate(sites, 1):
        dated: dict[str, object] = {}
        if number == count:
            dated = {
                "status_reason": "节日慰问点（示例）",
                "status_from": surveyor.day(-3),
                "status_until": surveyor.day(18),
            }
        yield surveyor.place(
            "water", number, site, surveyor.name("示例饮水点", site), hours=surveyor.hours("water"),
            services=(Service("drinking_water"),), **dated,
        )  # fmt: skip


def _communities(surveyor: Surveyor) -> Iterator[Area]:
    """The quarters between the avenues as communities, cut off at the boundary."""
    number = 0
    for quarter in surveyor.town.quarters:
        cell = quarter
        for a, b, side in surveyor.district.edges():
            inward = left_of((b[0] - a[0], b[1] - a[1]))
            clipped = cell.clipped(a, inward, side)
            if clipped is None:
                break
            cell = clipped
        else:
            if cell.area > 30_000.0:
                number += 1
                stem = surveyor.town.quarter_names[number - 1]
                yield surveyor.area("community", number, cell.corners, f"示例·{stem}社区")
