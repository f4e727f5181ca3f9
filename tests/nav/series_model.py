"""Series accounting in its purest form, unrounded: what equalisation and partnership accounts are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bo_lib.model.money import ZERO


@dataclass(frozen=True)
class Series:
    """One series; ``gav`` and ``mark`` per unit."""

    id: str
    gav: Decimal
    mark: Decimal

    def nav(self, rate: Decimal) -> Decimal:
        return self.gav - rate * max(ZERO, self.gav - self.mark)


@dataclass(frozen=True)
class Exchange:
    """Units of a series exchanged into the lead series at roll-up."""

    investor: str
    series: str
    into: str
    units_given: Decimal
    units_taken: Decimal


@dataclass(frozen=True)
class SeriesFund:
    """A fund in series. ``rate`` is a fraction (0.20); ``units`` by (investor, series); the oldest series leads."""

    rate: Decimal
    price: Decimal = Decimal(100)  # at which a series opens
    series: tuple[Series, ...] = ()
    units: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    def value(self, investor: str) -> Decimal:
        """What an investor would be paid today for all its units."""
        return sum((self.units.get((investor, s.id), ZERO) * s.nav(self.rate) for s in self.series), ZERO)

    @property
    def fee_accrued(self) -> Decimal:
        return sum(((s.gav - s.nav(self.rate)) * self._issued(s.id) for s in self.series), ZERO)

    def grown(self, factor: Decimal) -> SeriesFund:
        return replace(self, series=tuple(replace(s, gav=s.gav * factor) for s in self.series))

    def subscribed(self, investor: str, amount: Decimal, series: str) -> SeriesFund:
        """``amount`` buys units of ``series``, which opens at ``price`` when it is new on this dealing date."""
        known = next((s for s in self.series if s.id == series), None)
        opened = known or Series(series, self.price, self.price)
        units = dict(self.units)
        units[investor, series] = units.get((investor, series), ZERO) + amount / opened.gav
        return replace(self, series=self.series if known else (*self.series, opened), units=units)

    def redeemed(self, investor: str, part: Decimal) -> tuple[SeriesFund, Decimal]:
        """The fund without ``part`` (0 to 1) of an investor's units of every series, and what is paid for them."""
        paid = self.value(investor) * part
        units = {key: n * (1 - part) if key[0] == investor else n for key, n in self.units.items()}
        return self._kept({key: n for key, n in units.items() if n}), paid

    def crystallised(self) -> tuple[SeriesFund, tuple[Exchange, ...]]:
        """Fees paid, marks moved up, and the series that stand at their marks rolled up."""
        after = tuple(Series(s.id, s.nav(self.rate), max(s.mark, s.nav(self.rate))) for s in self.series)
        return replace(self, series=after).rolled_up()

    def rolled_up(self) -> tuple[SeriesFund, tuple[Exchange, ...]]:
        """Each series at its mark exchanged into the oldest that is at its own: same value, one price, one mark."""
        at_mark = [s for s in self.series if s.gav == s.mark]
        units, exchanges = dict(self.units), []
        for s in at_mark[1:]:
            lead = at_mark[0]
            for investor, name in [key for key in units if key[1] == s.id]:
                given = units.pop((investor, name))
                taken = given * s.gav / lead.gav
                units[investor, lead.id] = units.get((investor, lead.id), ZERO) + taken
                exchanges.append(Exchange(investor, s.id, lead.id, given, taken))
        return self._kept(units), tuple(exchanges)

    def _kept(self, units: Mapping[tuple[str, str], Decimal]) -> SeriesFund:
        held = {series for _, series in units}
        return replace(self, series=tuple(s for s in self.series if s.id in held), units=units)

    def _issued(self, series: str) -> Decimal:
        return sum((n for (_, name), n in self.units.items() if name == series), ZERO)
