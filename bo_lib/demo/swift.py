"""Writers of FIN messages: MT940, MT535, MT544-548, MT564. Source: SWIFT Standards MT, categories 5 and 9."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from bo_lib.demo.files import plain
from bo_lib.demo.ledger import Holding, Notice, Statement, Status
from bo_lib.demo.market import Action

BIC = {"ALPINE": "ALPACHZZ", "BOREAL": "BORESESS", "VENDOR-B": "VNDBGB2L"}  # fictional; ours is HARLLULL
MANDATORY = {"DVCA": "MAND", "INTR": "MAND", "SPLF": "MAND", "RHDI": "MAND", "EXRI": "CHOS"}


def number(value: Decimal) -> str:
    """Field format 15d: a decimal comma always, N before a negative number where the field allows it."""
    text = plain(abs(value)).replace(".", ",")
    return ("N" if value < 0 else "") + (text if "," in text else text + ",")


def message(kind: str, sender: str, day: date, sequence: int, lines: Iterable[str]) -> str:
    stamp = f"{day:%y%m%d}"
    terminal = f"{BIC[sender]}AXXX"
    head = f"{{1:F01HARLLULLAXXX0000{sequence:06d}}}{{2:O{kind}2130{stamp}{terminal}0000{sequence:06d}{stamp}2130N}}{{4:"
    return "\r\n".join([head, *lines, "-}", ""])


def block(name: str, *lines: str | Iterable[str]) -> Iterator[str]:
    yield f":16R:{name}"
    for line in lines:
        yield from [line] if isinstance(line, str) else line
    yield f":16S:{name}"


def mt940(statement: Statement, reference_start: str) -> str:
    """A bare statement message, as banks put them into .sta files."""

    def balance(tag: str, amount: Decimal) -> str:
        return f":{tag}:{'D' if amount < 0 else 'C'}{statement.day:%y%m%d}{statement.currency}{number(abs(amount))}"

    lines = [f":20:{statement.day:%y%m%d}{statement.currency}", f":25:{statement.account}", f":28C:{statement.number}/1",
             balance("60F", statement.opening)]  # fmt: skip
    for ordinal, entry in enumerate(statement.entries, 1):
        mark = {(False, False): "C", (True, False): "D", (True, True): "RC", (False, True): "RD"}[entry.amount < 0, entry.reversal]
        ours = entry.reference or "NONREF"
        lines += [
            f":61:{entry.value:%y%m%d}{entry.booked:%m%d}{mark}{number(abs(entry.amount))}N{entry.code}{ours}//{reference_start}{ordinal:03d}",
            f":86:{entry.text}",
        ]
    return "\r\n".join([*lines, balance("62F", statement.closing), "-", ""])


def mt535(sender: str, account: str, day: date, sequence: int, holdings: Iterable[Holding]) -> str:
    def one(h: Holding) -> Iterator[str]:
        price = f":90A::MRKT//PRCT/{number(h.price)}" if h.is_bond else f":90B::MRKT//ACTU/{h.currency}{number(h.price)}"
        kind = "FAMT" if h.is_bond else "UNIT"
        return block("FIN", f":35B:ISIN {h.isin}", h.name, price, f":93B::AGGR//{kind}/{number(h.quantity)}",
                     f":19A::HOLD//{'N' if h.value < 0 else ''}{h.currency}{number(abs(h.value))}")  # fmt: skip

    general = block(
        "GENL", ":28E:1/ONLY", f":13A::STAT//{sequence:03d}", f":20C::SEME//{sender[:3]}{day:%Y%m%d}P1", ":23G:NEWM",
        f":98A::STAT//{day:%Y%m%d}", ":22F::SFRE//DAIL", ":22F::CODE//COMP", ":22F::STTY//CUST", ":22F::STBA//SETT",
        f":97A::SAFE//{account}", ":17B::ACTI//Y", ":17B::CONS//N",
    )  # fmt: skip
    lines = [line for h in holdings for line in one(h)]
    return message("535", sender, day, sequence, [*general, *block("SUBSAFE", f":97A::SAFE//{account}", lines)])


def mt54x(sender: str, account: str, day: date, sequence: int, status: Status, is_bond: bool) -> str:
    """A confirmation (MT545 or MT547, against payment) when settled, an MT548 otherwise."""
    trade, receives = status.trade, status.trade.sign > 0
    quantity = f"{'FAMT' if is_bond else 'UNIT'}/{number(status.quantity)}"
    amount = f"{trade.currency}{number(status.amount)}"
    dates = (f":98A::TRAD//{trade.trade_date:%Y%m%d}", f":98A::SETT//{trade.settlement_date:%Y%m%d}")
    own = f":20C::SEME//{sender[:3]}{day:%y%m%d}{sequence:05d}"
    link = block("LINK", f":20C::RELA//{trade.trade_id}")
    if status.status == "settled":
        price = f":90A::DEAL//PRCT/{number(trade.price)}" if is_bond else f":90B::DEAL//ACTU/{trade.currency}{number(trade.price)}"
        lines = [
            *block("GENL", own, ":23G:NEWM", f":98A::PREP//{day:%Y%m%d}", link),
            *block("TRADDET", *dates, f":98A::ESET//{status.day:%Y%m%d}", price, f":35B:ISIN {trade.isin}"),
            *block("FIAC", f":36B::ESTT//{quantity}", f":97A::SAFE//{account}"),
            *block("SETDET", ":22F::SETR//TRAD", block("SETPRTY", f":95Q::{'DEAG' if receives else 'REAG'}//{trade.broker}"),
                   block("AMT", f":19A::ESTT//{amount}")),
        ]  # fmt: skip
        return message("545" if receives else "547", sender, day, sequence, lines)
    code = {"matched": "MTCH//MACH", "unmatched": "MTCH//NMAT", "failing": "SETT//PENF"}[status.status]
    why = block("REAS", f":24B::{code[-4:]}//{status.reason}") if status.reason else ()
    lines = [
        *block("GENL", own, ":23G:INST", f":98A::PREP//{day:%Y%m%d}", link, block("STAT", f":25D::{code}", why)),
        *block("SETTRAN", f":35B:ISIN {trade.isin}", f":36B::SETT//{quantity}", f":19A::SETT//{amount}", f":97A::SAFE//{account}",
               ":22F::SETR//TRAD", f":22H::REDE//{'RECE' if receives else 'DELI'}", ":22H::PAYM//APMT", *reversed(dates)),
    ]  # fmt: skip
    return message("548", sender, day, sequence, lines)


def mt564(sender: str, day: date, sequence: int, notice: Notice, is_bond: bool) -> str:
    action = notice.action
    safe = ":97C::SAFE//GENR" if notice.account == "GENR" else f":97A::SAFE//{notice.account}"
    held = () if notice.eligible is None else (f":93B::ELIG//{'FAMT' if is_bond else 'UNIT'}/{number(notice.eligible)}",)
    kind = (f":22F::CAEV//{action.caev}", f":22F::CAMV//{MANDATORY[action.caev]}")
    ex_date = () if action.caev == "INTR" else (f":98A::XDTE//{action.ex:%Y%m%d}",)
    lines = [
        *block("GENL", f":20C::CORP//{notice.reference}", f":20C::SEME//{sender[:3]}{day:%y%m%d}{sequence:05d}", ":23G:NEWM", *kind,
               f":98A::PREP//{day:%Y%m%d}", ":25D::PROC//COMP"),
        *block("USECU", f":35B:ISIN {action.isin}", block("ACCTINFO", safe, *held)),
        *block("CADETL", f":98A::ANOU//{action.announced:%Y%m%d}", *ex_date, f":98A::RDTE//{action.record:%Y%m%d}"),
        *_options(action),
    ]  # fmt: skip
    return message("564", sender, day, sequence, lines)


def _options(action: Action) -> Iterator[str]:
    pay = f":98A::PAYD//{action.pay:%Y%m%d}"
    ratio = f"{number(action.new)}/{number(action.old)}"
    if action.caev in ("DVCA", "INTR"):
        gross = (
            f":92F::GRSS//{action.currency}{number(action.rate)}" if action.caev == "DVCA" else f":92A::INTP//{number(action.rate)}"
        )
        tax = [f":92A::TAXR//{number(action.withholding_pct)}"] if action.withholding_pct else []
        movement = block("CASHMOVE", ":22H::CRDB//CRED", pay, *tax, gross)
        yield from block(
            "CAOPTN", ":13A::CAON//001", ":22F::CAOP//CASH", f":11A::OPTN//{action.currency}", ":17B::DFLT//Y", movement
        )
    elif action.caev == "EXRI":
        shares = block("SECMOVE", ":22H::CRDB//CRED", f":35B:ISIN {action.new_isin}", f":92D::NEWO//{ratio}", pay)
        money = block("CASHMOVE", ":22H::CRDB//DEBT", pay, f":90B::PRPP//ACTU/{action.currency}{number(action.price)}")
        deadline = f":98A::MKDT//{action.deadline:%Y%m%d}"
        yield from block(
            "CAOPTN",
            ":13A::CAON//001",
            ":22F::CAOP//EXER",
            f":11A::OPTN//{action.currency}",
            ":17B::DFLT//N",
            deadline,
            shares,
            money,
        )
        yield from block("CAOPTN", ":13A::CAON//002", ":22F::CAOP//LAPS", ":17B::DFLT//Y", deadline)
    else:
        kind = "NEWO" if action.caev == "SPLF" else "ADEX"
        movement = block("SECMOVE", ":22H::CRDB//CRED", f":35B:ISIN {action.new_isin}", f":92D::{kind}//{ratio}", pay)
        yield from block("CAOPTN", ":13A::CAON//001", ":22F::CAOP//SECU", ":17B::DFLT//Y", movement)
