"""Whether the key may trade, and whether the account is of the kind that this translation knows."""

from collections.abc import Mapping
from typing import Any

from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.line import Line
from core.operate.checking import Finding, fail, fine, warn

# What a key needs for each market, in Bybit's words.
NEEDED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "linear": {"ContractTrade": frozenset({"Order", "Position"})},
    "spot": {"Spot": frozenset({"SpotTrade"})},
}
# unifiedMarginStatus from here on means a unified account.
UNIFIED_FROM = 3
DANGEROUS = "Withdraw"


async def permissions(line: Line, category: str, what: str) -> list[Finding]:
    key = await line.read("privateGetV5UserQueryApi")
    account = await line.read("privateGetV5AccountInfo")
    return [*_key(key, category, what), _kind(account, what)]


def _key(key: Row, category: str, what: str) -> list[Finding]:
    granted: Mapping[str, Any] = key.get("permissions") or {}
    lacking = [
        f"{group}: {right}"
        for group, rights in NEEDED[category].items()
        for right in sorted(rights - set(granted.get(group) or ()))
    ]
    remedy = "edit the API key at Bybit"
    if str(key.get("readOnly")) == "1":
        findings = [warn(f"{what} key", "it may only read: nothing can be traded", remedy)]
    elif lacking:
        told = f"it lacks {', '.join(lacking)}"
        findings = [fail(f"{what} key", told, remedy)]
    else:
        findings = [fine(f"{what} key", f"it may trade {category}")]
    if any(DANGEROUS in (rights or ()) for rights in granted.values()):
        told = "it may withdraw funds, which trueup never does"
        findings.append(warn(f"{what} key", told, "take that permission away from it"))
    return findings


def _kind(account: Row, what: str) -> Finding:
    status = str(account.get("unifiedMarginStatus") or "0")
    if status.isdecimal() and int(status) >= UNIFIED_FROM:
        return fine(f"{what} kind", "a unified trading account")
    remedy = "upgrade the account to a unified trading account at Bybit"
    return fail(f"{what} kind", "not a unified trading account", remedy)
