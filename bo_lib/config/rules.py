"""The rules of the trade, each dated and with its source: filings, settlement cycles, ledger, frameworks, NAV errors."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from pydantic import Field

from bo_lib.config.files import NotNegative, ParameterError, Strict


class Filing(Strict):
    """One filing obligation, in force from a date. Deadlines count calendar or business days after the period's end."""

    form: str
    title: str
    start: date = Field(alias="from")
    until: date | None = None
    applies_to: tuple[str, ...]  # fund kinds or ids
    frequency: Literal["monthly", "quarterly", "yearly"]
    due_days: int
    day_kind: Literal["calendar", "business"] = "calendar"
    source: str


class Filings(Strict):
    """parameters/filings.yaml"""

    filings: tuple[Filing, ...]


class Cycle(Strict):
    """Settlement cycle of a market from a date on; ``source`` is the rule."""

    market: str
    instrument: str = "any"
    start: date = Field(alias="from")
    days: int
    calendar: str
    source: str


class Cycles(Strict):
    """parameters/rules/settlement_cycles.yaml"""

    cycles: tuple[Cycle, ...]


class LedgerAccount(Strict):
    """One ledger account of the chart."""

    name: str
    type: Literal["asset", "liability", "equity", "income", "expense"]
    says: str


class ChartOfAccounts(Strict):
    """parameters/rules/chart_of_accounts.yaml; every fee adds ``<name>`` (expense) and ``<name>_payable`` (liability)."""

    accounts: tuple[LedgerAccount, ...]

    @cached_property
    def types(self) -> dict[str, str]:
        return {account.name: account.type for account in self.accounts}

    def type_of(self, ledger: str) -> str:
        """asset, liability, equity, income or expense. A name outside the chart is a fee or its payable."""
        return self.types.get(ledger) or ("liability" if ledger.endswith("_payable") else "expense")


class Basis(Strict):
    """How one framework books events: where it differs from the others, and by which paragraph."""

    name: str
    says: str
    source: str
    transaction_costs: Literal["cost", "expense"] = "cost"  # commissions and taxes of trades
    amortisation: bool = True  # discount and premium of bonds into interest, and into the cost of the lot
    wash_sales: bool = False  # losses disallowed go into the cost of what replaced the shares sold
    ledgers: dict[str, str] = Field(default_factory=dict)  # account -> the account that this basis keeps instead


class Bases(Strict):
    """parameters/rules/bases.yaml"""

    bases: tuple[Basis, ...]

    def of(self, name: str) -> Basis:
        """Raises ``ParameterError`` with the names there are."""
        found = next((basis for basis in self.bases if basis.name == name), None)
        if found is None:
            raise ParameterError(f"no basis {name!r}; known: {', '.join(basis.name for basis in self.bases)}")
        return found


ErrorCause = Literal["valuation", "fees", "swing", "cut_off"]


class NavErrorRule(Strict):
    """From which size on an error of the NAV is put right, and for whom; the words are explained at the head of its file."""

    domicile: str  # ISO 3166, or * for any
    kinds: tuple[str, ...]  # of funds, or *
    start: date = Field(alias="from")
    until: date | None = None
    threshold_pct: NotNegative = Decimal(0)
    per_unit: bool = False
    investors_pct: NotNegative = Decimal(0)
    de_minimis: NotNegative = Decimal(0)
    de_minimis_currency: str = ""
    always: tuple[ErrorCause, ...] = ()
    fund_always: tuple[ErrorCause, ...] = ()
    source: str


class NavErrorRules(Strict):
    """parameters/rules/nav_errors.yaml"""

    rules: tuple[NavErrorRule, ...]

    def of(self, domicile: str, kind: str, day: date) -> NavErrorRule | None:
        fitting = (r for r in self.rules if r.domicile in (domicile, "*") and (kind in r.kinds or "*" in r.kinds))
        return next((r for r in fitting if r.start <= day and (r.until is None or day <= r.until)), None)
