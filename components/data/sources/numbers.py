"""Numbers as people write them: signs between thousands, a decimal comma, a currency or a unit."""

from __future__ import annotations

import re
from typing import Literal

from components.families.shared.fields import signed
from components.spelling import trimmed

Decimal = Literal[".", ","]
MINUS = "\N{MINUS SIGN}"
THOUSANDS: dict[Decimal, str] = {".": r"[,\s'’]", ",": r"[.\s'’]"}  # by the decimal sign
# Groups of three digits, or as in India of two before the last three.
GROUPED = {
    decimal: re.compile(
        rf"[-+{MINUS}]?(?:[1-9]\d{{0,2}}(?:{sign}\d{{2,3}})*{sign}\d{{3}}|\d*)"
        rf"(?:{re.escape(decimal)}\d*)?(?:[eE][-+]?\d+)?\s*%?"
    )
    for decimal, sign in THOUSANDS.items()
}


def with_a_point(value: str, decimal: Decimal) -> str:
    """A number with a point as its decimal sign and nothing between thousands; what is no number so written
    stays what it is, as 0,5 where the comma is between thousands."""
    text = signed(trimmed(value))
    if not GROUPED[decimal].fullmatch(text):
        return value
    return re.sub(THOUSANDS[decimal], "", text).replace(decimal, ".")


def without_unit(value: str, unit: str) -> str:
    """The number without what stands before or behind it: -$5 and 5 kg are -5 and 5. A number alone, or with
    another unit, stays what it is."""
    sign, own = rf"(?P<sign>[-+{MINUS}]?)", re.escape(unit)
    ways = (rf"{sign}\s*{own}\s*(?P<number>[-+{MINUS}]?[\d.,].*)", rf"{sign}(?P<number>.*[\d.,])\s*{own}")
    found = (re.fullmatch(way, signed(trimmed(value)), re.IGNORECASE) for way in ways)
    return next((one["sign"] + one["number"] for one in found if one), value)


SYMBOL = r"[A-Z]{0,3}[$¢£¤¥֏؋฿៛₠-⃀﷼＄￠￡￥￦]"  # the dollar, the euro and others; US$
CODES = (
    "AED AUD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KES KRW MXN MYR NGN NOK NZD"
    " PEN PHP PKR PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
BEFORE = rf"{SYMBOL}|(?:{CODES.replace(' ', '|')}|Rs\.?|kr\.?)(?=\s)"
AFTER = rf"{SYMBOL}|[^\W\d_][^\d\s,;:()]{{0,11}}|[°µ/][^\d\s,;:()]{{1,11}}"
AMOUNT = re.compile(
    rf"[-+{MINUS}]?\s*(?P<before>{BEFORE})?\s*[-+{MINUS}]?(?:\d[\d.,'’\s]*|[.,]\d+)\s*(?P<after>%|(?<!\d\.)(?:{AFTER}))?"
)


def unit_of(text: str) -> str | None:
    """The currency or the unit beside a number; empty where there is none, or per cent, and None where the
    text is no number."""
    found = AMOUNT.fullmatch(signed(trimmed(text)))
    if not found or (found["before"] and found["after"]):
        return None
    unit = found["before"] or found["after"] or ""
    return "" if unit == "%" else unit
