"""What a browser says of itself, in words: its family and the system it runs on, and no more.

Only the names of this table are ever kept or shown: what a browser sends is a stranger's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# A word in what the browser sends, the name it is kept under, and what it is called.
Word: TypeAlias = tuple[str, str, str | Promise]

# The first that fits counts: nearly all of them also call themselves Chrome and Safari.
BROWSERS: Final[Sequence[Word]] = (
    ("MicroMessenger", "wechat", _("微信")),
    ("DingTalk", "dingtalk", _("钉钉")),
    ("QQBrowser", "qq", _("QQ浏览器")),
    ("QIHU", "360", _("360浏览器")),
    ("360SE", "360", _("360浏览器")),
    ("360EE", "360", _("360浏览器")),
    ("UCBrowser", "uc", _("UC浏览器")),
    ("MetaSr", "sogou", _("搜狗浏览器")),
    ("HuaweiBrowser", "huawei", _("华为浏览器")),
    ("MiuiBrowser", "miui", _("小米浏览器")),
    ("Edg", "edge", "Edge"),
    ("OPR", "opera", "Opera"),
    ("FxiOS", "firefox", "Firefox"),
    ("Firefox", "firefox", "Firefox"),
    ("CriOS", "chrome", "Chrome"),
    ("Chrome", "chrome", "Chrome"),
    ("Chromium", "chrome", "Chrome"),
    ("Safari", "safari", "Safari"),
    ("Trident", "ie", "Internet Explorer"),
    ("MSIE", "ie", "Internet Explorer"),
)
SYSTEMS: Final[Sequence[Word]] = (
    ("OpenHarmony", "harmony", _("鸿蒙")),
    ("HarmonyOS", "harmony", _("鸿蒙")),
    ("iPhone", "iphone", "iPhone"),
    ("iPad", "ipad", "iPad"),
    ("Android", "android", _("安卓")),
    ("Windows", "windows", "Windows"),
    ("Mac OS X", "macos", "macOS"),
    ("CrOS", "chromeos", "ChromeOS"),
    ("Linux", "linux", "Linux"),
)
UNKNOWN: Final = ""
# Longer than any browser's own words.
READ: Final = 400


def names_of(user_agent: str) -> tuple[str, str]:
    """The names of browser and system by which they are kept; empty where the table has none."""
    told = user_agent[:READ]
    return _first(BROWSERS, told), _first(SYSTEMS, told)


def in_words(browser: str, system: str) -> str:
    """What to call them on a page."""
    known = [
        str(called)
        for table, kept in ((BROWSERS, browser), (SYSTEMS, system))
        if (called := {name: word for _sign, name, word in table}.get(kept))
    ]
    return " · ".join(known) or str(_("未知浏览器"))


def _first(table: Sequence[Word], told: str) -> str:
    return next((name for sign, name, _called in table if sign in told), UNKNOWN)
