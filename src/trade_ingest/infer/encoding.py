"""Guess the text encoding of a file from its first bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_COMMON_SIMPLIFIED = "交易数量价格成时间合约买卖方向代码日期品种编号名称手续费金额开平仓撮的"
_COMMON_TRADITIONAL = "成交日期商品代號到履約價格時間數量近月遠開盤集合競買賣權契別股票證券名稱筆的"
_COMMON_JAPANESE = "約定日銘柄買売数量単価手料のコードーン取引受渡金額"
_LEAST_NULS = 0.2  # of the bytes, in text of two bytes a character
_EVERY_SO_OFTEN = 0.35  # of the characters beyond ASCII, that are of an encoding's common ones


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text encoding, and how it was recognised.

    Attributes:
        name: as Python and contracts call it.
        reason: in words; empty for UTF-8 without a mark, which needs none.
        is_certain: it was not guessed.
    """

    name: str
    reason: str = ""
    is_certain: bool = True


def guess_encoding(head: bytes) -> Encoding:
    """The encoding of a text, from its byte order mark, or else by trying which one decodes it to likely text.

    Args:
        head: the first bytes, which may end within a character.
    """
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return Encoding(name, f"byte order mark of {name.upper()}")
    if (wide := _wide(head)) is not None:
        return wide
    if not head.count(0) and _decodes(head, "utf-8"):
        return Encoding("utf-8")
    return _legacy(head)


def decoded(head: bytes, encoding: str) -> str:
    """The text of the first bytes, without a byte order mark and a character that is cut off."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return text.removeprefix("\ufeff")


def _wide(head: bytes) -> Encoding | None:
    if not head or head.count(0) < _LEAST_NULS * len(head):
        return None
    is_little = head[1::2].count(0) > head[0::2].count(0)
    name = "utf-16-le" if is_little else "utf-16-be"
    return Encoding(name, "every second byte is zero", is_certain=False) if _decodes(head, name) else None


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _legacy(head: bytes) -> Encoding:
    """One of the encodings from before Unicode."""
    runs = re.findall(rb"[\x80-\xff]+", head)
    lone = sum(len(run) == 1 for run in runs)
    if runs and lone <= len(runs) / 2:
        scores = {
            "gb18030": _share(head, "gb18030", _COMMON_SIMPLIFIED),
            "big5": _share(head, "cp950", _COMMON_TRADITIONAL),
            "shift_jis": _share(head, "cp932", _COMMON_JAPANESE),
        }
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= _EVERY_SO_OFTEN / 2:
            name = {"big5": "cp950", "shift_jis": "cp932"}.get(best, best)
            return Encoding(name, f"no UTF-8; read as {best}, its words are those of trades", is_certain=False)
        for name in ("gb18030", "cp950", "cp932", "euc_kr"):
            if _decodes(head, name):
                return Encoding(name, f"no UTF-8; its bytes are possible as {name}", is_certain=False)
    has_windows = re.search(rb"[\x80-\x9f]", head) is not None
    name = "cp1252" if has_windows and _decodes(head, "cp1252") else "latin-1"
    return Encoding(name, "no UTF-8; single bytes beyond ASCII between letters", is_certain=False)


def _share(head: bytes, encoding: str, common: str) -> float:
    """How many of the characters beyond ASCII are common ones; 0 if the bytes are not of that encoding."""
    if not _decodes(head, encoding):
        return 0.0
    text = [c for c in decoded(head, encoding) if ord(c) > 0x7F]  # noqa: PLR2004  # the last ASCII character
    return sum(c in common for c in text) / len(text) if text else 0.0
