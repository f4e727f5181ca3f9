"""Why an instruction does not settle (ISO 15022 reason codes of MT548), in words, and who owes the next step."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    text: str
    who: str  # us, counterparty, custodian, deliverer, payer, both, nobody


REASONS = {
    "LACK": Reason("securities are lacking for delivery", "deliverer"),
    "CLAC": Reason("the counterparty lacks the securities", "counterparty"),
    "MONY": Reason("cash is lacking for payment", "payer"),
    "CMON": Reason("the counterparty lacks the cash", "counterparty"),
    "PREA": Reason("our instruction is a preadvice or on hold", "us"),
    "PRCY": Reason("the counterparty's instruction is on hold", "counterparty"),
    "CSDH": Reason("held by the central securities depository", "custodian"),
    "LALO": Reason("securities are loaned out", "deliverer"),
    "LINK": Reason("waits for a linked instruction", "us"),
    "FUTU": Reason("waits for the settlement date", "nobody"),
    "SBLO": Reason("securities are blocked", "deliverer"),
    "NOFX": Reason("a foreign exchange order is missing", "us"),
    "INCA": Reason("an income adjustment is required", "custodian"),
    "CMIS": Reason("no instruction of the counterparty to match", "counterparty"),
    "DSEC": Reason("security differs from the counterparty's", "both"),
    "DQUA": Reason("quantity differs from the counterparty's", "both"),
    "DMON": Reason("amount differs from the counterparty's", "both"),
    "DDAT": Reason("settlement date differs from the counterparty's", "both"),
    "DTRD": Reason("trade date differs from the counterparty's", "both"),
}


def explain(code: str | None, side: str) -> tuple[str, str]:
    """(text, who owes the next step) for us on ``side`` of the trade: BUY and COVER pay, SELL and SHORT deliver."""
    if not code:
        return "", "custodian"
    reason = REASONS.get(code, Reason(f"reason {code}", "custodian"))
    we_pay = side in ("BUY", "COVER")
    who = {
        "deliverer": "counterparty" if we_pay else "us",
        "payer": "us" if we_pay else "counterparty",
        "both": "us and counterparty",
    }
    return reason.text, who.get(reason.who, reason.who)
