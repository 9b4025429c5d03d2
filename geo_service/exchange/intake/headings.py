"""What columns of lists are called, in Chinese and English, and what each of them holds here."""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from geo_service.exchange.cells import BY_KEY

SERVICE = "service:"
"""Start of the field of a column that says yes or no to one kind of service."""

POSITION_FIELDS = ("lon", "lat", "lonlat", "arrival_lon", "arrival_lat", "arrival_lonlat")
"""Fields beside the cells of an export: coordinates in the datum of the file."""


class Heading(NamedTuple):
    """What a heading says: a field, how sure that is, and the datum if it states one."""

    field: str
    confidence: float
    datum: str = ""


_WORDS: Mapping[str, str] = {
    "name": "名称|站点名称|驿站名称|网点名称|商户名称|店名|店铺名称|门店名称|站名|站点|点位名称|场所名称"
    "|机构名称|单位名称|公厕名称|poi名称|标题"
    "|阵地名称|服务点名称|电柜名称|场站名称|name|title|place|placename|stationname|poiname|shopname",
    "address": "地址|详细地址|具体地址|位置|所在位置|站点地址|驿站地址|地点|详细位置|具体位置|门店地址"
    "|单位地址|点位地址|通讯地址"
    "|address|addr|fulladdress|streetaddress",
    "phone": "电话|联系电话|手机|手机号|手机号码|联系方式|咨询电话|服务电话|固定电话|电话号码|联系人电话"
    "|负责人电话|站长电话"
    "|phone|tel|telephone|mobile|phonenumber|contactphone",
    "lon": "经度|东经|lng|lon|long|longitude|x|x坐标|经度e|坐标x|经度坐标|pointx|poix|lonx|gpslng|gpslon"
    "|地图经度",
    "lat": "纬度|北纬|lat|latitude|y|y坐标|纬度n|坐标y|纬度坐标|pointy|poiy|laty|gpslat|地图纬度",
    "lonlat": "坐标|经纬度|位置坐标|gps|gps坐标|gps位置|location|coordinates|coordinate|lnglat|latlng"
    "|lonlat|latlon|定位|地理坐标|地图坐标|点位坐标"
    "|经纬度坐标|geo|position|coords",
    "arrival_lon": "入口经度|到达点经度|门口经度|entrancelon|entrancelng|arrivallon",
    "arrival_lat": "入口纬度|到达点纬度|门口纬度|entrancelat|arrivallat",
    "arrival_lonlat": "入口坐标|到达点坐标|门口坐标|入口经纬度|entrance",
    "hours": "开放时间|营业时间|服务时间|开放时段|服务时段|营业时段|工作时间|运营时间|开馆时间|开闭时间"
    "|开放时间段"
    "|hours|openinghours|businesshours|opentime|openhours|schedule",
    "services": "服务|服务内容|服务项目|设施|配套设施|服务设施|功能|提供服务|设施设备|服务功能|配套服务"
    "|基础设施|功能设施|配备设施|提供的服务|服务事项|现有设施"
    "|services|service|facilities|amenities|equipment|features",
    "host_type": "阵地类型|站点类型|载体类型|驿站类型|类型|类别|依托阵地|依托单位|依托载体|场所类型|hosttype"
    "|type|category|kind",
    "class": "等级|驿站等级|级别|站点等级|星级|class|grade|level",
    "operator": "主管单位|运营方|运营单位|管理单位|责任单位|建设单位|所属单位|运营商|管理方|主办单位"
    "|产权单位|权属单位|operator|owner|managedby",
    "network": "网络|品牌|系列|所属网络|所属品牌|network|brand",
    "area_m2": "面积|建筑面积|使用面积|场地面积|站点面积|面积平方米|面积平米|面积m2|areasqm|area|floorarea",
    "seats": "座位|座位数|座椅数|席位|座位数量|座席|可容纳人数|seats|capacity",
    "headcount": "人数|员工数|从业人数|小哥人数|配送员人数|快递员人数|骑手人数|职工人数|headcount|staff"
    "|employees",
    "ebike_parking": "电动车停放|停车位|电动车停车|车位|电动车停车位|非机动车停车|非机动车位|ebikeparking|parking",
    "station_code": "编号|站点编号|驿站编号|站点编码|驿站编码|编码|站号|stationcode|code|stationno",
    "id": "id|featureid|要素id|唯一标识|标识符|identifier|placeid",
    "status": "状态|运营状态|站点状态|使用状态|开放状态|营业状态|status|state",
    "status_reason": "状态原因|停用原因|暂停原因|statusreason",
    "power_operator": "充换电运营商|电柜运营商|换电运营商|品牌商",
    "power_voltage_v": "电压|电压v|适用电压|voltage",
    "power_slots": "柜格数|仓数|格口数|仓位数|电池仓数|插座数|slots",
    "amap_poiid": "高德poi|高德poiid|高德id|amappoiid|amapid|poiid|poi编号",
    "baidu_uid": "百度uid|百度id|baiduuid",
    "tencent_uid": "腾讯uid|腾讯id|tencentuid",
    "osm": "osm|osm对象|osmid|osmtypeid",
    "source": "来源|数据来源|信息来源|source",
}
_IGNORED: Mapping[str, str] = {
    "序号|no|num|index|行号|rownum|fid|objectid|ogcfid|gid|编号序": "a running number",
    "联系人|负责人|站长|管理员|姓名|站长姓名|联系人姓名|负责人姓名|contact|manager": "names of persons are not kept",
    "备注|说明|描述|简介|备注说明|note|notes|remark|remarks|description|desc|comment|cmt": "no field for notes",
    "区|区县|所属街道|所属区|街道|社区|所属社区|城市|省|市|省份|district|city|province|adname|cityname"
    "|pname|所属街道社区": ("a place belongs to an area by where it lies, not by a typed name"),
    "声明|notice|声明notice|folder|layer|图层|styleurl|visibility|sym|link": "says nothing about the place itself",
    "密码|门禁码|门锁密码|开门密码|口令|doorcode|passcode|password": "a door code is never stored",
}
_EXACT = {word: field for field, words in _WORDS.items() for word in words.split("|")}
_REASONS = {word: reason for words, reason in _IGNORED.items() for word in words.split("|")}
_VAGUE = frozenset(
    {
        "x",
        "y",
        "类型",
        "类别",
        "type",
        "category",
        "kind",
        "位置",
        "area",
        "capacity",
        "service",
        "服务",
        "功能",
        "状态",
        "code",
        "编号",
        "编码",
        "place",
        "站点",
        "geo",
        "position",
        "可容纳人数",
        "品牌",
        "brand",
        "level",
    }
)
_DATUMS = (
    ("wgs84", re.compile(r"wgs-?_?84|gps|cgcs-?2000|大地2000|地球坐标|4326|4490", re.I)),
    ("gcj02", re.compile(r"gcj-?_?02|火星|高德|amap|gaode|腾讯|tencent|国测局", re.I)),
    ("bd09", re.compile(r"bd-?_?09(?:ll)?|百度|baidu", re.I)),
)
_UNIT = re.compile(r"[(\[{【<][^)\]}】>]*[)\]}】>]")
_NOISE = re.compile(r"[\s_\-*:：.·/\\()\[\]【】]+")
_ENDINGS = (
    ("名称", "name"),
    ("地址", "address"),
    ("电话", "phone"),
    ("经度", "lon"),
    ("纬度", "lat"),
    ("坐标", "lonlat"),
    ("营业时间", "hours"),
    ("开放时间", "hours"),
    ("服务时间", "hours"),
    ("服务内容", "services"),
    ("面积", "area_m2"),
)


def read_heading(text: str) -> Heading:
    """
    Say what a heading means, by its words alone.

    Parameters
    ----------
    text
        As it stands in the file; units in brackets and the datum of coordinates are understood.

    Returns
    -------
    heading
        With an empty field if it says nothing we know.

    Examples
    --------
    >>> read_heading("驿站名称"), read_heading("经度(GCJ-02)"), read_heading("随便")  # doctest: +ELLIPSIS
    (Heading(field='name', ...), Heading(field='lon', confidence=0.95, datum='gcj02'), Heading(field='', ...))
    """
    if key := our_key(text):
        return Heading(key, 1.0)
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    datum = next((name for name, pattern in _DATUMS if pattern.search(plain)), "")
    shapes = [plain, _UNIT.sub("", plain)]
    shapes += [pattern.sub("", shape) for shape in shapes for _, pattern in _DATUMS]
    for shape in dict.fromkeys(_NOISE.sub("", shape) for shape in shapes):
        if field := _EXACT.get(shape):
            is_place = field in POSITION_FIELDS
            return Heading(field, 0.7 if shape in _VAGUE else 0.95, datum if is_place else "")
    bare = _NOISE.sub("", _UNIT.sub("", plain))
    for ending, field in _ENDINGS:
        if bare.endswith(ending):
            return Heading(field, 0.6, datum if field in POSITION_FIELDS else "")
    return Heading("", 0.0)


def why_ignored(text: str) -> str:
    """
    Say why a column is left out although its heading is well known.

    Parameters
    ----------
    text
        The heading.

    Returns
    -------
    reason
        Empty if there is none.
    """
    plain = _NOISE.sub("", _UNIT.sub("", unicodedata.normalize("NFKC", text).strip().lower()))
    return _REASONS.get(plain, "")


def our_key(text: str) -> str:
    """
    Find the column of our own export that a heading is.

    Parameters
    ----------
    text
        Such as ``名称/name``, ``lon_wgs84``, or the first ten letters of that, all a Shapefile keeps.

    Returns
    -------
    key
        Of :data:`geo_service.exchange.cells.COLUMNS`, or ``extra_…``; empty if it is none.

    Examples
    --------
    >>> our_key("经度_WGS84/lon_wgs84"), our_key("名称")
    ('lon_wgs84', '')
    """
    zh, _, key = text.rpartition("/")
    if key in BY_KEY and (not zh or zh == BY_KEY[key].zh):
        return key
    if key.startswith("extra_") and (not zh or f"extra_{zh}" == key):
        return key
    return ""
