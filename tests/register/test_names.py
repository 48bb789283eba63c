from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from register import names


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("张三", "张三"),
        (" 张　三 ", "张三"),
        ("古丽•测试", "古丽·测试"),
        ("古丽・测试", "古丽·测试"),
        ("古丽．测试", "古丽·测试"),
        ("古丽.测试", "古丽·测试"),
        ("古丽 · 测试", "古丽·测试"),
        ("㐂测", "㐂测"),
        ("𠮷测试", "𠮷测试"),
        ("\U0002a6d6测", "\U0002a6d6测"),
        ("\U00031350测", "\U00031350测"),  # newer than this Python's tables
        ("郎\uf92c", "郎\uf92c"),  # a compatibility character is not folded
        ("ＪＯＨＮ  Smith", "JOHN Smith"),
        ("J. Smith", "J. Smith"),
        ("张\u200b三", "张三"),
        ("阿卜杜" + "·阿卜" * 24, "阿卜杜" + "·阿卜" * 24),
    ],
)
def test_names_as_they_are_stored(written: str, stored: str) -> None:
    assert names.check(written) == stored


@pytest.mark.parametrize("written", ["", "  ", "张", "=1+1", "<b>张</b>", "张三\n@x", "-张三", "三" * 101])
def test_what_is_no_name(written: str) -> None:
    with pytest.raises(ValidationError):
        names.check(written)


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("古丽·测试", "古丽测试", True),
        ("古丽•测试", "古丽·测试", True),
        ("John Smith", "JOHN SMITH", True),
        ("张 三", "张三", True),
        ("张三", "张叁", False),
        ("㐂测", "喜测", False),
    ],
)
def test_the_same_name(a: str, b: str, alike: bool) -> None:
    assert names.same(a, b) is alike
