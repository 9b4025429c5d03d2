"""
Names for what does not exist: streets, compounds, parks, shops and brands of the made-up districts.

Names are joined from characters that are pleasant side by side but, as pairs, are not street names of
the two real districts; a test holds the first list against a real extract where one is at hand.
"""

from geo_service.demo.plane import Dice

FIRST = {
    "澄": "Cheng", "霁": "Ji", "昭": "Zhao", "栖": "Qi", "沐": "Mu", "岚": "Lan", "棠": "Tang", "溯": "Su",
    "絮": "Xu", "璟": "Jing", "砚": "Yan", "陌": "Mo", "榕": "Rong", "筠": "Yun", "泓": "Hong", "翎": "Ling",
    "葭": "Jia", "憩": "Qi", "蔓": "Man", "暄": "Xuan", "漾": "Yang", "芷": "Zhi", "苓": "Ling", "皓": "Hao",
    "汐": "Xi", "萤": "Ying", "鹿": "Lu", "麦": "Mai", "橘": "Ju", "稻": "Dao", "鲸": "Jing", "帆": "Fan",
    "笙": "Sheng", "粟": "Su", "杼": "Zhu", "霖": "Lin",
    "柚": "You", "栀": "Zhi", "槿": "Jin", "鹭": "Lu", "蓼": "Liao", "菱": "Ling", "茉": "Mo", "缇": "Ti",
    "皎": "Jiao", "弦": "Xian", "珂": "Ke", "瑶": "Yao", "珀": "Po", "芦": "Lu", "桉": "An",
}  # fmt: skip
SECOND = {
    "禾": "he", "汀": "ting", "溪": "xi", "吟": "yin", "歌": "ge", "舟": "zhou", "荷": "he", "榭": "xie",
    "岸": "an", "屿": "yu", "棉": "mian", "笛": "di", "鸣": "ming", "畔": "pan", "洲": "zhou", "影": "ying",
    "栎": "li", "樾": "yue", "灯": "deng", "穗": "sui", "茗": "ming", "砂": "sha", "谣": "yao", "羽": "yu",
    "枫": "feng", "露": "lu", "簌": "su", "晚": "wan", "鸢": "yuan", "墨": "mo", "渔": "yu", "蒲": "pu",
    "桨": "jiang", "沫": "mo", "霞": "xia", "阑": "lan",
    "织": "zhi", "蘅": "heng", "漪": "yi", "澜": "lan", "眠": "mian", "笺": "jian", "梢": "shao", "卉": "hui",
    "萝": "luo", "簪": "zan", "蕊": "rui", "麓": "lu", "坞": "wu", "砾": "li",
}  # fmt: skip

SUFFIXES: dict[str, tuple[tuple[str, str], ...]] = {
    "trunk": (("快速路", "Expressway"),),
    "primary": (("大街", "Avenue"), ("大道", "Boulevard")),
    "secondary": (("路", "Road"), ("大街", "Avenue")),
    "tertiary": (("街", "Street"), ("路", "Road")),
    "unclassified": (("路", "Road"),),
    "residential": (("巷", "Lane"), ("街", "Street"), ("东里", "East Lane"), ("西里", "West Lane")),
    "living_street": (("胡同", "Hutong"), ("夹道", "Alley")),
    "bank": (("滨河路", "Riverside Road"),),
    "river": (("河", "River"),),
    "rail": (("线", "Line"),),
    "compound": (("苑", "Court"), ("里小区", "Estate"), ("家园", "Homes"), ("花园", "Gardens")),
    "park": (("公园", "Park"), ("园", "Garden")),
    "school": (("示例小学", "Demo Primary School"), ("示例中学", "Demo Middle School")),
    "hospital": (("示例医院", "Demo Hospital"),),
    "tower": (("大厦", "Tower"), ("中心", "Centre"), ("广场", "Plaza")),
    "mall": (("步行街", "Walk"),),
    "works": (("物流园", "Depot"), ("产业园", "Works")),
    "community": (("社区", "Community"),),
}

SHOPS: tuple[tuple[float, dict[str, str], str], ...] = (
    (10, {"amenity": "restaurant", "cuisine": "chinese"}, "饭馆"),
    (8, {"amenity": "restaurant", "cuisine": "noodle"}, "面馆"),
    (5, {"amenity": "restaurant", "cuisine": "dumpling"}, "饺子铺"),
    (9, {"amenity": "fast_food", "cuisine": "chinese", "takeaway": "yes"}, "快餐"),
    (5, {"amenity": "fast_food", "cuisine": "pancake", "takeaway": "only"}, "煎饼"),
    (5, {"amenity": "cafe"}, "咖啡"),
    (5, {"shop": "tea", "takeaway": "yes"}, "茶铺"),
    (9, {"shop": "convenience"}, "便利店"),
    (4, {"shop": "supermarket"}, "超市"),
    (4, {"amenity": "pharmacy", "dispensing": "yes"}, "药房"),
    (5, {"shop": "hairdresser"}, "理发"),
    (3, {"shop": "bicycle", "service:bicycle:repair": "yes"}, "修车铺"),
    (4, {"shop": "greengrocer"}, "果蔬"),
    (3, {"shop": "bakery"}, "面包房"),
    (3, {"shop": "hardware"}, "五金"),
    (2, {"shop": "laundry"}, "洗衣"),
    (1.4, {"amenity": "clinic", "healthcare": "clinic"}, "诊所"),
    (1, {"amenity": "dentist", "healthcare": "dentist"}, "口腔"),
    (1, {"amenity": "post_office"}, "邮件代办"),
)
"""Weight, OSM tags and the last word of the sign of each kind of shop."""

POWER_BRANDS = ("示例蜂电", "示例豆豆换电", "示例小橙电", "示例驰能")
"""Made-up operators of cabinets; none is a company."""


STEMS = (
    "晴禾", "小满", "阿榕", "半夏", "拾穗", "松果", "一苇", "知更", "四时", "暖灶", "青团", "禾木", "南瓜灯", "云朵",
    "老榆", "蓝莓", "芝麻", "橙子", "木棉", "风铃", "星野", "鲸落", "月牙", "花椒", "山葵", "麦芽", "核桃", "薄荷",
)  # fmt: skip
"""First words of shop signs."""

STREETS = (
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "bank",
)


class Names:
    """
    Hands out every pair of characters once to streets, and once to all else, before any is used again.

    Parameters
    ----------
    dice
        Decides the order.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        pairs = [(a, b) for a in FIRST for b in SECOND]
        self._pairs = {"streets": dice.mixed(pairs), "other": dice.mixed(pairs)}
        self._at = {"streets": 0, "other": 0}

    def stem(self, family: str = "other") -> tuple[str, str]:
        """Two characters and how they are read."""
        pairs, at = self._pairs[family], self._at[family]
        a, b = pairs[at % len(pairs)]
        self._at[family] += 1
        turn = (at // len(pairs)) % 5
        side, side_en = ("", "东", "西", "南", "北")[turn], ("", " East", " West", " South", " North")[turn]
        return a + b + side, FIRST[a] + SECOND[b] + side_en

    def tags(self, kind: str) -> dict[str, str]:
        """Tags ``name`` and ``name:en`` of one more thing of this kind (a key of `SUFFIXES`)."""
        zh, en = self.stem("streets" if kind in STREETS else "other")
        suffix, suffix_en = self._dice.pick(SUFFIXES[kind])
        return {"name": zh + suffix, "name:en": f"{en} {suffix_en}"}
