"""
Words about links: the chooser of map apps, the link doctor, and a place's own page. Chinese first, English beside it.

Entries whose key starts with ``js_`` go to the scripts, see `words_rider`.
"""

LINK_WORDS: dict[str, tuple[str, str]] = {
    # the chooser
    "js_nav_which": ("用哪个地图去？", "Which map app?"),
    "js_nav_hint": (
        "会记住你的选择；长按“导航”可更换。链接指向入口。",
        "Your choice is remembered; press “Go” long to change it. Links aim at the entrance.",
    ),
    "js_nav_use": ("用“{app}”导航", "Navigating with {app}"),
    "js_nav_change": ("换一个地图", "Another map app"),
    "js_nav_close": ("关闭", "Close"),
    "js_nav_copy": ("复制本页链接", "Copy this page’s link"),
    "js_nav_copied": ("已复制", "Copied"),
    "js_nav_two": ("分两段走", "Two legs"),
    "js_nav_first": ("先到 {name}", "First to {name}"),
    "js_nav_then": ("再去 {name}", "Then to {name}"),
    "js_nav_then_later": ("到了再回到这里，接着去 {name}。", "Come back here afterwards to go on to {name}."),
    "js_nav_not_opened": ("没打开？可能没装这个地图，换一个。", "Nothing opened? The app may be missing: choose another."),
    "js_nav_inside_wechat": (
        "微信里打不开地图：点右上角“⋯”，选“在浏览器打开”，再点“导航”。",
        "WeChat keeps pages from opening map apps: tap “⋯” above, choose “open in browser”, then “Go”.",
    ),
    "js_nav_inside_qq": (
        "QQ 里打不开地图：点右上角“⋯”，选“用浏览器打开”，再点“导航”。",
        "QQ keeps pages from opening map apps: tap “⋯” above, choose “open in browser”, then “Go”.",
    ),
    "js_nav_inside_other": (
        "在这个应用里可能打不开地图；不行就复制链接，到浏览器里打开。",
        "This app may keep pages from opening map apps; if so, copy the link into a browser.",
    ),
    "js_nav_mode_ebike": ("电动车路线", "e-bike route"),
    "js_nav_mode_ride": ("骑行路线", "bicycle route"),
    "js_nav_mode_walk": ("步行路线", "walking route"),
    "js_nav_mode_drive": ("驾车路线", "driving route"),
    "js_nav_mode_place": ("只显示位置", "shows the place"),
    # pasted links
    "js_refused_swapped": (
        "这里的经度和纬度像是写反了；换过来再粘贴。",
        "Longitude and latitude look exchanged in it; swap them and paste again.",
    ),
}
