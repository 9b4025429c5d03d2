"""
What riders paste: forms of links, shared texts and coordinates as public pages and code show them, for one crossing.

Hosts, parameters and their order are those of vendors' documentation, of jakubvalenta/geoshare's and OsmAnd's tests,
and of addresses found in public repositories; coordinates and names are put in, so that all of them mean one spot.
"""

from typing import NamedTuple
from urllib.parse import quote

from geo_service.geo import convert_datum

WGS = (116.442, 39.957)
(GLON, GLAT), (BLON, BLAT) = (
    convert_datum(WGS, "wgs84", datum).round(6).tolist() for datum in ("gcj02", "bd09")
)
WLON, WLAT = WGS
NAME = "香河园全时驿站"
Q = quote(NAME)


def baidu_metres(lon: float, lat: float) -> tuple[float, float]:
    """Degrees of BD-09 in Baidu's Mercator, latitudes 30 to 45: the way there; the phone knows the way back."""
    factors = (
        *(0.00220636496208, 111320.7020209128, 51751.86112841131, 3796837.749470245, 992013.7397791013),
        *(-1221952.21711287, 1340652.697009075, -620943.6990984312, 144416.9293806241, 37.5),
    )
    t = lat / factors[9]
    return factors[0] + factors[1] * lon, sum(f * t**i for i, f in enumerate(factors[2:9]))


MX, MY = (round(metres, 2) for metres in baidu_metres(BLON, BLAT))


class Pasted(NamedTuple):
    """A text, the app and datum it is in, and the name it carries."""

    text: str
    app: str | None
    datum: str
    name: str | None = None
    unsure: bool = False


AMAP = [
    f"https://uri.amap.com/marker?position={GLON},{GLAT}&name={Q}&src=x&coordinate=gaode&callnative=1",
    f"https://uri.amap.com/navigation?to={GLON},{GLAT},{Q}&mode=ride&src=friendmap&callnative=1",
    f"https://uri.amap.com/navigation?from=116.30,39.90,startpoint&to={GLON},{GLAT},{Q}&mode=car",
    f"https://uri.amap.com/marker?markers={GLON},{GLAT},{Q}|116.3,39.9,b&src=x",
    f"https://wb.amap.com/?q={GLAT}%2C{GLON}%2C{Q}&src=app_C3090",
    f"https://wb.amap.com/?p=B0FFHJVQ2Q%2C{GLAT}%2C{GLON}%2C{Q}%2C%E5%8C%97%E4%BA%AC%E5%B8%82&src=app_C3090",
    f"http://wb.amap.com/?p=B013706PJN,{GLAT},{GLON},{Q},%E5%BB%BA%E8%AE%BE%E8%B7%AF67%E5%8F%B7",
    f"http://wb.amap.com/?r=39.90,116.30,start,{GLAT},{GLON},{Q},0,0,0,,,&sourceapplication=openapi/0",
    f"http://www.amap.com/#!poi!!q={GLAT},{GLON},{Q}",
    f"http://www.amap.com/?p=B013704EJT,{GLAT},{GLON},{Q},%E5%BB%BA%E8%AE%BE%E4%B8%9C%E8%B7%AF12%E5%8F%B7",
    f"https://ditu.amap.com/regeo?lng={GLON}&lat={GLAT}&name={Q}&src=uriapi&callnative=1&innersrc=uriapi",
    f"https://ditu.amap.com/dir?type=car&from[lnglat]=116.3,39.9&from[name]=a&to[lnglat]={GLON},{GLAT}&to[name]={Q}",
    f"https://m.amap.com/share/index/lnglat={GLON},{GLAT}&name={Q}&src=uriapi&innersrc=uriapi",
    f"https://m.amap.com/share/index/__q={GLAT},{GLON},{Q}&src=app_share&callapp=0",
    f"https://m.amap.com/navigation/ridemap/saddr=116.3,39.9,a&daddr={GLON},{GLAT},{Q}",
    f"https://m.amap.com/navi/?start=116.3,39.9&dest={GLON},{GLAT}&destName={Q}&key=x",
    f"amapuri://route/plan/?sourceApplication=x&slat=39.9&slon=116.3&dlat={GLAT}&dlon={GLON}&dname={Q}&dev=0&t=3",
    f"androidamap://navi?sourceApplication=x&poiname={Q}&lat={GLAT}&lon={GLON}&dev=0",
    f"iosamap://path?sourceApplication=x&dlat={GLAT}&dlon={GLON}&dname={Q}&dev=0&t=3",
    f"androidamap://viewMap?sourceApplication=x&poiname={Q}&lat={GLAT}&lon={GLON}&dev=0",
    f"https://m.amap.com/callAPP?src=x&ios={quote(f'iosamap://path?dlat={GLAT}&dlon={GLON}&dname={Q}&dev=0', safe='')}",
    f"【高德地图】我在这里，{NAME} https://wb.amap.com/?q={GLAT},{GLON},{Q}&src=app 点击链接查看",
    f"intent://route/plan/?dlat={GLAT}&dlon={GLON}&dname={Q}&dev=0#Intent;scheme=amapuri;package=com.autonavi.minimap;end",
]
AMAP_WGS = [
    f"https://uri.amap.com/marker?position={WLON},{WLAT}&name={Q}&coordinate=wgs84",
    f"amapuri://route/plan/?dlat={WLAT}&dlon={WLON}&dname={Q}&dev=1&t=0",
]
BAIDU = [
    f"https://api.map.baidu.com/marker?location={BLAT},{BLON}&title={Q}&content=x&output=html&src=webapp.a.b",
    f"https://map.baidu.com/poi/{Q}/@{MX},{MY},16z?uid=fef3b5922f87e66c63180999&querytype=detailConInfo",
    f"https://map.baidu.com/mobile/webapp/place/detail/qt=inf&uid=1/act=read_share&vt=map&sharegeo={MX}%2c{MY}",
    f"https://map.baidu.com/dir/a/b/@12614173.165,2630534.52,16z?querytype=nav&sn=1$$$$12613508.26,2629184.09$$x$$0$$$$"
    f"&en=1$$$$12614727.16,2631131.02$$y$$0$$$$$$1$$%20to:1$$$${MX},{MY}$${Q}$$0$$$$&sc=257",
    f"bdapp://map/direction?destination=name:{Q}%7Clatlng:{BLAT},{BLON}&mode=riding&src=andr.a.b",
    f"baidumap://map/marker?location={BLAT},{BLON}&title={Q}&coord_type=bd09ll&src=ios.a.b",
    f"baidumap://map/direction?origin=latlng:39.9,116.3|name:a&destination=latlng:{BLAT},{BLON}|name:{Q}&mode=riding",
    f"我在百度地图分享了一个地点：{NAME} http://api.map.baidu.com/marker?location={BLAT},{BLON}&title={Q}&output=html",
]
BAIDU_MIDDLE = [
    f"https://map.baidu.com/@{MX},{MY},13z",
    f"http://map.baidu.com/?l=13&tn=B_NORMAL_MAP&c={MX},{MY}&s=gibberish",
]
BAIDU_GCJ = [
    f"https://api.map.baidu.com/marker?location={GLAT},{GLON}&title={Q}&output=html&coord_type=gcj02&src=webapp.a.b",
    f"baidumap://map/ridenavi?destination={GLAT},{GLON}&coord_type=gcj02&src=ios.org.friendmap",
    f"bdapp://map/direction?destination=name:{Q}%7Clatlng:{GLAT},{GLON}&mode=walking&coord_type=gcj02&src=andr.a.b",
]
TENCENT = [
    f"https://apis.map.qq.com/uri/v1/marker?marker=coord:{GLAT},{GLON};title:{Q};addr:x&referer=myapp",
    f"https://apis.map.qq.com/uri/v1/routeplan?type=walk&to={Q}&tocoord={GLAT},{GLON}&coord_type=2&referer=x",
    f"https://apis.map.qq.com/uri/v1/geocoder?coord={GLAT},{GLON}&referer=myapp",
    f"http://apis.map.qq.com/uri/v1/geocoder?coord={GLAT},{GLON}&name={Q}",
    f"qqmap://map/routeplan?type=bike&fromcoord=CurrentLocation&tocoord={GLAT},{GLON}&to={Q}&referer=DEVKEY",
    f"qqmap://map/marker?marker=coord:{GLAT},{GLON};title:{Q};addr:x&referer=DEVKEY",
    f"https://map.qq.com/?type=marker&isopeninfowin=1&markertype=1&pointx={GLON}&pointy={GLAT}&name={Q}",
    f"https://map.qq.com/?type=marker&isopeninfowin=1&marker=coord:{GLAT},{GLON};title:{Q};addr:x",
    f"https://map.wap.qq.com/h5-poi-detail/index.html?coord={GLON},{GLAT}&n={Q}",
]
TENCENT_WGS = [
    f"https://apis.map.qq.com/uri/v1/marker?marker=coord:{WLAT},{WLON};title:{Q};addr:x&coord_type=1&referer=a"
]
APPLE = [
    f"https://maps.apple.com/?ll={GLAT},{GLON}&q={Q}",
    f"https://maps.apple.com/place?place-id=I1&address=x&coordinate={GLAT},{GLON}&name={Q}&_provider=9902",
    f"https://maps.apple.com/directions?destination={GLAT},{GLON}&mode=walking",
    f"https://maps.apple.com/?daddr={GLAT},{GLON}&dirflg=w",
    f"maps://?daddr={GLAT},{GLON}&dirflg=w",
    f"http://maps.apple.com/?q={GLAT},{GLON}",
]
APPLE_MIDDLE = [
    f"https://maps.apple.com/search?span=0.0076,0.0091&center={GLAT},{GLON}",
    f"https://maps.apple.com/?q=x&sll={GLAT},{GLON}&z=10&t=s",
]
GOOGLE = [
    f"https://www.google.com/maps/place/{Q}/@39.9,116.3,15z/data=!3m1!4b1!4m5!8m2!3d{GLAT}!4d{GLON}!16s",
    f"https://www.google.com/maps/place/{GLAT},{GLON}/@39.9,116.3,15z/data=!3m1!1e3",
    f"https://www.google.com/maps/place/{GLAT},+{GLON}/@39.9,116.3,17z",
    f"https://www.google.com/maps/search/?api=1&query={GLAT},{GLON}",
    f"https://www.google.com/maps/search/{GLAT},{GLON}",
    f"https://www.google.com/maps/dir/?api=1&destination={GLAT},{GLON}&travelmode=bicycling&dir_action=navigate",
    f"https://www.google.com/maps/dir/39.9,116.3/{GLAT},{GLON}/@39.9,116.3,16z/",
    f"https://maps.google.com/?q={GLAT},{GLON}&entry=gps&shorturl=1",
    f"http://maps.google.cn/maps?q=loc:{GLAT},{GLON}",
    f"https://www.google.com.hk/maps?daddr={GLAT},{GLON}",
    f"google.navigation:q={GLAT},{GLON}&mode=b",
    f"comgooglemaps://?daddr={GLAT},{GLON}&directionsmode=bicycling",
    f"https://www.google.com/maps/dir/a/b/@39.9,116.3,16z/data=!4m19!1m5!2m2!1d116.3!2d39.9!1m5!2m2!1d{GLON}!2d{GLAT}!3e2",
]
GOOGLE_MIDDLE = [f"https://www.google.com/maps/@{GLAT},{GLON},17z"]
OPEN_MAPS = [
    ("osm", f"https://www.openstreetmap.org/?mlat={WLAT}&mlon={WLON}#map=19/{WLAT}/{WLON}"),
    ("osmand", f"https://osmand.net/map/?pin={WLAT},{WLON}#17/{WLAT}/{WLON}"),
    ("organic", f"om://map?v=1&ll={WLAT},{WLON}&n={Q}"),
    ("organic", f"https://omaps.app/v2/dir?destination={WLAT},{WLON}&destination_name={Q}&mode=bike"),
    ("geo", f"geo:{WLAT},{WLON}?q={WLAT},{WLON}({Q})"),
    ("geo", f"geo:0,0?q={WLAT},{WLON}({Q})"),
    ("geo", f"geo:{WLAT},{WLON};u=35"),
]
PETAL = [
    f"petalmaps://route?daddr={GLAT},{GLON}&type=walk",
    f"https://www.petalmaps.com/routes/?daddr={GLAT},{GLON}",
]
NUMBERS = [
    f"{WLON},{WLAT}",
    f"{WLAT},{WLON}",
    f"{WLAT}， {WLON}",
    f"{WLON} {WLAT}",
    f"  {WLAT}\t{WLON}\n",
    f"我在 {WLON}，{WLAT} 等你",
    f"{WLAT}°N {WLON}°E",
    f"{WLON}E, {WLAT}N",
    f"经度：{WLON} 纬度：{WLAT}",
    f"纬度 {WLAT}，经度 {WLON}",
    f"lat={WLAT}, lng={WLON}",
    f'{{"lat": {WLAT}, "lng": {WLON}}}',
    "39°57'25.2\"N 116°26'31.2\"E",
    "北纬39°57′25.2″ 东经116°26′31.2″",
    "东经116度26分31.2秒，北纬39度57分25.2秒",
    "N39°57.420' E116°26.520'",
    "116°26.52′E  39°57.42′N",
]
NUMBERS_THAT_SAY = [
    (f"{WLON},{WLAT} (WGS84)", "wgs84"),
    (f"GPS {WLAT},{WLON}", "wgs84"),
    (f"高德坐标 {GLON},{GLAT}", "gcj02"),
    (f"GCJ-02: {GLAT}, {GLON}", "gcj02"),
    (f"百度坐标：{BLON},{BLAT}", "bd09"),
    (f"BD09 {BLAT} {BLON}", "bd09"),
]


def _named(text: str) -> str | None:
    return NAME if Q in text or quote(Q) in text else None


GOOD = [
    *(Pasted(text, "amap", "gcj02", _named(text)) for text in AMAP),
    *(Pasted(text, "amap", "wgs84", NAME) for text in AMAP_WGS),
    *(Pasted(text, "baidu", "bd09", _named(text)) for text in BAIDU),
    *(Pasted(text, "baidu", "bd09", None, True) for text in BAIDU_MIDDLE),
    *(Pasted(text, "baidu", "gcj02", _named(text)) for text in BAIDU_GCJ),
    *(Pasted(text, "tencent", "gcj02", _named(text)) for text in TENCENT),
    *(Pasted(text, "tencent", "wgs84", NAME) for text in TENCENT_WGS),
    *(Pasted(text, "apple", "gcj02", _named(text)) for text in APPLE),
    *(Pasted(text, "apple", "gcj02", "x" if "q=x" in text else None, True) for text in APPLE_MIDDLE),
    *(Pasted(text, "google", "gcj02", _named(text)) for text in GOOGLE),
    *(Pasted(text, "google", "gcj02", None, True) for text in GOOGLE_MIDDLE),
    *(Pasted(text, app, "wgs84", _named(text)) for app, text in OPEN_MAPS),
    *(Pasted(text, "petal", "gcj02") for text in PETAL),
    *(Pasted(text, None, "wgs84", None, True) for text in NUMBERS),
    *(Pasted(text, None, datum) for text, datum in NUMBERS_THAT_SAY),
]

SHORT = [
    ("amap", "https://surl.amap.com/4mkKGuyJ2bz"),
    ("amap", f"{NAME}\n北京市朝阳区香河园路3号\nhttps://surl.amap.com/509F4oaxo3QT"),
    ("amap", "https://u.amap.com/share/abc"),
    ("amap", "https://www.amap.com/place/B000A84G4C"),
    ("baidu", "https://j.map.baidu.com/0f/tbWk"),
    ("baidu", f"我在{NAME} http://j.map.baidu.com/XIE3"),
    ("baidu", "https://map.baidu.com/?shareurl=1&poiShareUid=fef3b5922f87e66c63180999"),
    ("baidu", "https://map.baidu.com/?poiShareId=p8cdf0522067cf66173901fc9e4"),
    ("tencent", "https://url.cn/5abcDEF"),
    ("tencent", "https://map.qq.com/poi/?sm=16134679861056168840&keyfrom=3"),
    ("google", "https://maps.app.goo.gl/jVuuNEZ_-FQ3UGhX7"),
    ("google", "https://goo.gl/maps/foo"),
    ("google", "maps.app.goo.gl/foo"),
    ("google", "https://g.co/kgs/foo"),
    ("google", "https://www.google.com/maps/place//data=!4m2!3m1!1s0xc3f7d4e21a00705:0xa9ea51361ed84bda"),
    ("apple", "https://maps.apple/p/7E-Brjrk_THN14"),
    ("apple", "https://maps.apple.com/place?auid=17017496253231963769&lsp=7618"),
    (None, "http://t.cn/A6abcd"),
    ("amap", "https://uri.amap.com/marker?position=%E0%A4%A"),
]

SWAPPED = [
    f"https://uri.amap.com/marker?position={GLAT},{GLON}&name={Q}",
    f"https://api.map.baidu.com/marker?location={BLON},{BLAT}&title=x&output=html",
    f"https://map.qq.com/?type=marker&isopeninfowin=1&markertype=1&pointx={GLAT}&pointy={GLON}&name=x",
    f"https://maps.apple.com/?ll={GLON},{GLAT}",
    f"https://www.google.com/maps/search/?api=1&query={GLON},{GLAT}",
    f"amapuri://route/plan/?dlat={GLON}&dlon={GLAT}&dname=x&dev=0&t=3",
    f"geo:{WLON},{WLAT}",
    f"经度：{WLAT} 纬度：{WLON}",
]

OUTSIDE = [
    "https://wb.amap.com/?p=P0JANYX6NL%2C45.8289525077221%2C1.266689300537103%2C%E5%88%A9%E6%91%A9%E6%97%A5",
    "https://www.google.com/maps/@52.5067296,13.2599309,6z",
    "https://map.baidu.com/@13520653,3317203,13z",
    "https://apis.map.qq.com/uri/v1/geocoder?coord=22.54,114.06",
    "121.47,31.23",
    "31.23 121.47",
]

NOTHING = [
    "",
    "https://example.com/?lat=39.957&lng=116.442",
    "你好",
    "https://www.google.com/maps/@999.1,888.2,6z",
    "13800138000",
    "2026-11-22 12:30",
    "javascript:alert(1)",
    "%",
]
