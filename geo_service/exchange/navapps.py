"""
The map apps we can open, one entry per app and platform: how each writes a link, and how we know.

Data, not code: a link is a template with holes. Nothing here was tried on a phone, so
``verified_on`` is None everywhere and ``evidence`` says what we rely on instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, cast

from geo_service.geo import Extent

Mode = Literal["ebike", "ride", "walk", "drive"]
Order = Literal["lonlat", "latlon", "named"]
Evidence = Literal["O", "C", "F", "D", "?"]

SCALE = 17
"""Zoom at which one sees the entrance and the next crossing."""


class Caution(NamedTuple):
    """A warning to show beside a link, in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True)
class LinkSettings:
    """
    Who we say we are to the apps.

    Parameters
    ----------
    app_name
        Sent as ``sourceApplication``, ``src``, ``referer`` or ``utm_source`` where a name will do.
    baidu_src
        ``company.app``, sent behind ``andr.``, ``ios.`` or ``webapp.``; Baidu promises nothing without.
    tencent_key
        Developer key of the Tencent location service; without it the Tencent app's link is left out.
    wechat_app_id
        Account whose pages may call the WeChat script; without it the WeChat payload is left out.
    apple_datum
        What Apple Maps reads inside the mainland; reports conflict, so an operator can say otherwise.
    """

    app_name: str = "friendmap"
    baidu_src: str = "org.friendmap"
    tencent_key: str | None = None
    wechat_app_id: str | None = None
    apple_datum: Literal["gcj02", "wgs84"] = "gcj02"


@dataclass(frozen=True)
class LinkTarget:
    """
    One app on one platform: how its link is written and how far we may trust that.

    Parameters
    ----------
    id
        Key of the link in answers, such as ``"amap_android"``.
    app, platform
        The app, and what it runs on.
    zh, en
        What a button says.
    templates
        Mode to link; holes are ``{lon} {lat} {name}`` and fields of `LinkSettings`. Mode None only
        shows the place. Empty for a payload.
    order
        ``"named"`` if each coordinate has its own parameter.
    evidence, datum_evidence
        Grade of the link's form and of its datum: O vendor's documentation, C source code, F field
        notes, D derived, ? conflicting.
    shifted_in
        Extent inside which the app reads GCJ-02; None reads WGS 84 everywhere.
    mainland_only
        Left out elsewhere, where the app's datum or its map is no good.
    needs
        Field of `LinkSettings` without which the link is left out.
    reserved
        Characters with a meaning inside the value the name stands in; they become full-width.
    verified_on
        Day somebody tried it on a phone; None for never.
    warning
        Shown beside the link inside the mainland.
    package
        What Android calls the app, so that a browser can name it and have a way out where it is missing;
        None if it runs elsewhere or nobody wrote it down.
    """

    id: str
    app: str
    platform: str
    zh: str
    en: str
    templates: Mapping[Mode | None, str]
    order: Order
    evidence: Evidence
    datum_evidence: Evidence
    shifted_in: Extent | None = None
    mainland_only: bool = False
    needs: str | None = None
    reserved: str = ""
    verified_on: date | None = None
    warning: Caution | None = None
    package: str | None = None

    @property
    def modes(self) -> tuple[Mode | None, ...]:
        """Modes the app takes in a link; ``(None,)`` if it only shows the place."""
        return tuple(self.templates) or (None,)


def _with_modes(template: str, **texts: str) -> dict[Mode | None, str]:
    """One template for several modes: the text of each goes into its ``{mode}`` hole."""
    return {cast(Mode, mode): template.replace("{mode}", text) for mode, text in texts.items()}


_AMAP_RIDE = {"ebike": "3&rideType=elebike", "ride": "3", "walk": "2", "drive": "0"}
_AMAP_PLACE = "sourceApplication={app_name}&dlat={lat}&dlon={lon}&dname={name}&dev=0&t={mode}"
_BAIDU_PLACE = "destination=name:{name}%7Clatlng:{lat},{lon}&mode={mode}&coord_type=gcj02"
_CHINESE: Extent = "mainland_hk_macao_taiwan"

REGISTRY: tuple[LinkTarget, ...] = (
    LinkTarget(
        id="amap_android",
        app="amap",
        platform="android",
        zh="高德地图",
        en="Amap",
        templates=_with_modes("amapuri://route/plan/?" + _AMAP_PLACE, **_AMAP_RIDE),
        order="named",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        package="com.autonavi.minimap",
    ),
    LinkTarget(
        id="amap_harmony",
        app="amap",
        platform="harmonyos",
        zh="高德地图（鸿蒙）",
        en="Amap (HarmonyOS)",
        # the numbers agree with Android for these modes only; the enums differ beyond
        templates=_with_modes("amapuri://route/plan/?" + _AMAP_PLACE, **_AMAP_RIDE),
        order="named",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
    ),
    LinkTarget(
        id="amap_ios",
        app="amap",
        platform="ios",
        zh="高德地图（苹果）",
        en="Amap (iOS)",
        templates=_with_modes("iosamap://path?" + _AMAP_PLACE, **_AMAP_RIDE),
        order="named",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
    ),
    LinkTarget(
        id="amap_web",
        app="amap",
        platform="web",
        zh="高德地图（网页）",
        en="Amap (web)",
        templates=_with_modes(
            "https://uri.amap.com/navigation?to={lon},{lat},{name}&mode={mode}&src={app_name}&callnative=1",
            ride="ride",
            walk="walk",
            drive="car",
        ),
        order="lonlat",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        warning=Caution(
            "微信、QQ 内请先选“在浏览器打开”", "Inside WeChat or QQ choose “open in browser” first"
        ),
    ),
    LinkTarget(
        id="baidu_android",
        app="baidu",
        platform="android",
        zh="百度地图",
        en="Baidu Maps",
        # a ride mode of this page is contradicted by a reading of the app: walk is the documented nearest
        templates=_with_modes(
            "bdapp://map/direction?" + _BAIDU_PLACE + "&src=andr.{baidu_src}", walk="walking", drive="driving"
        ),
        order="latlon",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        reserved="|:",
        package="com.baidu.BaiduMap",
    ),
    LinkTarget(
        id="baidu_ios",
        app="baidu",
        platform="ios",
        zh="百度地图（苹果）",
        en="Baidu Maps (iOS)",
        templates={
            **_with_modes(
                "baidumap://map/{mode}?destination={lat},{lon}&coord_type=gcj02&src=ios.{baidu_src}",
                ride="ridenavi",
                walk="walknavi",
            ),
            **_with_modes(
                "baidumap://map/direction?" + _BAIDU_PLACE + "&src=ios.{baidu_src}", drive="driving"
            ),
        },
        order="latlon",
        evidence="F",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        reserved="|:",
    ),
    LinkTarget(
        id="baidu_web",
        app="baidu",
        platform="web",
        zh="百度地图（网页）",
        en="Baidu Maps (web)",
        # marker, not direction: on the web direction wants an origin and has no ride mode
        templates={
            None: "https://api.map.baidu.com/marker?location={lat},{lon}&title={name}&content={name}"
            "&output=html&coord_type=gcj02&src=webapp.{baidu_src}"
        },
        order="latlon",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
    ),
    LinkTarget(
        id="tencent_app",
        app="tencent",
        platform="android, ios",
        zh="腾讯地图",
        en="Tencent Maps",
        templates=_with_modes(
            "qqmap://map/routeplan?type={mode}&fromcoord=CurrentLocation&tocoord={lat},{lon}&to={name}"
            "&referer={tencent_key}",
            ride="bike",
            walk="walk",
            drive="drive",
        ),
        order="latlon",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        needs="tencent_key",
        package="com.tencent.map",
    ),
    LinkTarget(
        id="tencent_harmony",
        app="tencent",
        platform="harmonyos",
        zh="腾讯地图（鸿蒙）",
        en="Tencent Maps (HarmonyOS)",
        templates=_with_modes(
            "qqmap://map/routeplan?type={mode}&fromcoord=CurrentLocation&tocoord={lat},{lon}&to={name}"
            "&referer={tencent_key}",
            walk="walk",
            drive="drive",
        ),
        order="latlon",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        needs="tencent_key",
    ),
    LinkTarget(
        id="tencent_web",
        app="tencent",
        platform="web",
        zh="腾讯地图（网页）",
        en="Tencent Maps (web)",
        templates=_with_modes(
            "https://apis.map.qq.com/uri/v1/routeplan?type={mode}&to={name}&tocoord={lat},{lon}&coord_type=2"
            "&referer={app_name}",
            walk="walk",
            drive="drive",
        ),
        order="latlon",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
    ),
    LinkTarget(
        id="wechat",
        app="wechat",
        platform="wechat",
        zh="微信内查看",
        en="WeChat",
        templates={},
        order="named",
        evidence="O",
        datum_evidence="O",
        shifted_in=_CHINESE,
        mainland_only=True,
        needs="wechat_app_id",
    ),
    LinkTarget(
        id="apple",
        app="apple",
        platform="ios >= 18.4",
        zh="苹果地图",
        en="Apple Maps",
        templates=_with_modes(
            "https://maps.apple.com/directions?destination={lat},{lon}&mode={mode}",
            ride="cycling",
            walk="walking",
            drive="driving",
        ),
        order="latlon",
        evidence="O",
        datum_evidence="?",
        shifted_in="mainland",
        warning=Caution(
            "苹果地图坐标系未经核实，可能偏约 550 米", "Datum not verified: may be off by about 550 m"
        ),
    ),
    LinkTarget(
        id="apple_older",
        app="apple",
        platform="ios",
        zh="苹果地图（旧系统）",
        en="Apple Maps (older)",
        templates=_with_modes(
            "https://maps.apple.com/?daddr={lat},{lon}&dirflg={mode}", ride="b", walk="w", drive="d"
        ),
        order="latlon",
        evidence="O",
        datum_evidence="?",
        shifted_in="mainland",
        warning=Caution(
            "苹果地图坐标系未经核实，可能偏约 550 米", "Datum not verified: may be off by about 550 m"
        ),
    ),
    LinkTarget(
        id="google",
        app="google",
        platform="any",
        zh="谷歌地图",
        en="Google Maps",
        templates=_with_modes(
            "https://www.google.com/maps/dir/?api=1&destination={lat},{lon}&travelmode={mode}&dir_action=navigate",
            ride="bicycling",
            walk="walking",
            drive="driving",
        ),
        order="latlon",
        evidence="O",
        datum_evidence="C",
        shifted_in="mainland",
    ),
    LinkTarget(
        id="petal",
        app="petal",
        platform="android, harmonyos",
        zh="花瓣地图",
        en="Petal Maps",
        templates=_with_modes(
            "petalmaps://route?daddr={lat},{lon}&type={mode}&utm_source={app_name}",
            ride="bicycle",
            walk="walk",
            drive="drive",
        ),
        order="latlon",
        evidence="F",
        datum_evidence="O",
        shifted_in="mainland_hk_macao",
        package="com.huawei.maps.app",
    ),
    LinkTarget(
        id="osmand",
        app="osmand",
        platform="any",
        zh="OsmAnd",
        en="OsmAnd",
        # its route link wants the start, which we never know
        templates={None: f"https://osmand.net/map/?pin={{lat}},{{lon}}#{SCALE}/{{lat}}/{{lon}}"},
        order="latlon",
        evidence="O",
        datum_evidence="O",
    ),
    LinkTarget(
        id="organic",
        app="organic",
        platform="android, ios",
        zh="Organic Maps",
        en="Organic Maps",
        # v1 routes want the start; v2 routes are unknown to the stable app
        templates={None: "om://map?v=1&ll={lat},{lon}&n={name}"},
        order="latlon",
        evidence="C",
        datum_evidence="C",
    ),
    LinkTarget(
        id="geo",
        app="geo",
        platform="android",
        zh="其他地图（geo:）",
        en="Other map app (geo:)",
        templates={None: "geo:{lat},{lon}?q={lat},{lon}({name})"},
        order="latlon",
        evidence="O",
        datum_evidence="?",
        warning=Caution(
            "高德、谷歌会把此链接当作 GCJ-02，偏约 550 米；请用上面的按钮",
            "Amap and Google read this as GCJ-02, about 550 m off; use their own buttons",
        ),
    ),
)
"""One entry per app and platform, in the order a page shows them."""
