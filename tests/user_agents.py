"""
User agents as browsers of riders' phones send them, and what each means for opening map apps.

From vendors' documentation (OpenHarmony's ArkWeb) and from public repositories that list what they met; version numbers are
as they were found.
"""

# ruff: noqa: E501  user agents are as long as they are

from typing import NamedTuple

_ANDROID = "Mozilla/5.0 (Linux; Android 13; 22081212C Build/TKQ1.220829.002"
_IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_ARK = f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {_KIT} Chrome/114.0.0.0 Safari/537.36  ArkWeb/4.1.6.1 Mobile"


class Agent(NamedTuple):
    """A user agent, the touches of its screen, and what it is."""

    name: str
    agent: str
    os: str
    in_app: str | None = None
    takes_intents: bool = False
    touches: int = 5


AGENTS = (
    Agent(
        "Chrome on Android",
        f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/128.0.0.0 Mobile Safari/537.36",
        "android",
        takes_intents=True,
    ),
    Agent(
        "Edge on Android",
        f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/128.0.0.0 Mobile Safari/537.36 EdgA/128.0.0.0",
        "android",
        takes_intents=True,
    ),
    Agent(
        "Firefox on Android",
        "Mozilla/5.0 (Android 14; Mobile; rv:129.0) Gecko/129.0 Firefox/129.0",
        "android",
        takes_intents=True,
    ),
    Agent(
        "Samsung Internet",
        f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) {_KIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "android",
    ),
    Agent(
        "UC Browser",
        f"Mozilla/5.0 (Linux; U; Android 12; zh-CN; V2001A) {_KIT} Version/4.0 Chrome/100.0.4896.58 UCBrowser/15.5.8 Mobile Safari/537.36",
        "android",
    ),
    Agent(
        "QQ Browser",
        f"Mozilla/5.0 (Linux; U; Android 12; zh-cn; M2012K11AC) {_KIT} Version/4.0 Chrome/98.0.4758.102 MQQBrowser/14.3 Mobile Safari/537.36",
        "android",
    ),
    Agent(
        "MIUI Browser",
        f"Mozilla/5.0 (Linux; U; Android 13; zh-cn; 2211133C) {_KIT} Version/4.0 Chrome/109.0.5414.118 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.2.150419",
        "android",
    ),
    Agent(
        "Huawei Browser, HarmonyOS 4: runs Android's apps",
        f"Mozilla/5.0 (Linux; Android 12; HarmonyOS; ALN-AL00; HMSCore 6.13.0.302) {_KIT} Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
        "android",
    ),
    Agent("Huawei Browser, HarmonyOS 5", f"{_ARK} HuaweiBrowser/5.0.3.351", "harmonyos"),
    Agent(
        "HarmonyOS 5 as its documentation says",
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0; HarmonyOS 5.0) {_KIT} Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile",
        "harmonyos",
    ),
    Agent("WeChat on HarmonyOS 5", f"{_ARK} MicroMessenger/8.0.11.20", "harmonyos", "wechat"),
    Agent(
        "WeChat on Android",
        f"{_ANDROID}; wv) {_KIT} Version/4.0 Chrome/107.0.5304.141 Mobile Safari/537.36 XWEB/5023 MMWEBSDK/20230303 "
        "MicroMessenger/8.0.34.2340(0x2800225B) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64",
        "android",
        "wechat",
    ),
    Agent(
        "WeChat on an iPhone",
        f"{_IOS} Mobile/15E148 MicroMessenger/8.0.42(0x18002a2c) NetType/WIFI Language/zh_CN",
        "ios",
        "wechat",
    ),
    Agent(
        "QQ on Android",
        f"{_ANDROID}; wv) {_KIT} Version/4.0 Chrome/109.0.5414.86 MQQBrowser/6.2 TBS/046715 Mobile Safari/537.36 "
        "V1_AND_SQ_8.9.78_4548_YYB_D QQ/8.9.78.12275 NetType/WIFI WebP/0.3.0",
        "android",
        "qq",
    ),
    Agent(
        "QQ on an iPhone",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/16A366 QQ/7.7.8.421 V1_IPH_SQ_7.7.8_1_APP_A Pixel/750",
        "ios",
        "qq",
    ),
    Agent(
        "DingTalk on Android",
        f"{_ANDROID}; wv) {_KIT} Version/4.0 Chrome/103.0.5060.129 Mobile Safari/537.36 AliApp(DingTalk/7.0.40)",
        "android",
        "other",
    ),
    Agent(
        "Alipay on an iPhone",
        f"{_IOS} Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.5.60) AlipayClient/10.5.60",
        "ios",
        "other",
    ),
    Agent(
        "a page inside some Android app",
        f"{_ANDROID}; wv) {_KIT} Version/4.0 Chrome/110.0 Mobile Safari/537.36",
        "android",
        "other",
    ),
    Agent("Safari on an iPhone", f"{_IOS} Version/17.2 Mobile/15E148 Safari/604.1", "ios"),
    Agent("Chrome on an iPhone", f"{_IOS} CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1", "ios"),
    Agent(
        "Safari on an iPad that calls itself a Mac",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
        "ios",
    ),
    Agent(
        "Safari on a Mac",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
        "desktop",
        touches=0,
    ),
    Agent(
        "Chrome on Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/128.0.0.0 Safari/537.36",
        "desktop",
        touches=0,
    ),
    Agent(
        "WeChat on Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/107.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13)",
        "desktop",
        "wechat",
        touches=0,
    ),
    Agent(
        "a laptop with a touch screen",
        f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Chrome/128.0.0.0 Safari/537.36",
        "unsure",
    ),
)
