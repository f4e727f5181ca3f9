"""Settlement: cycles, trades before booking, custodians' messages, the cash ladder, and what fails cost."""

from bo_lib.settlement.cycles import UnknownCycleError, settlement_date, spot_date
from bo_lib.settlement.deals import check_deals
from bo_lib.settlement.ladder import LADDER, cash_ladder, deal_flows, releasable, trade_flows
from bo_lib.settlement.penalties import PenaltyRates, csdr_penalty, tmpg_charge
from bo_lib.settlement.status import WATCH, SettlementDay, settle
from bo_lib.settlement.trades import Refused, TradeDay, check_trades, event_id, trade_event

__all__ = [
    "LADDER", "WATCH", "PenaltyRates", "Refused", "SettlementDay", "TradeDay", "UnknownCycleError", "cash_ladder", "check_deals",
    "check_trades", "csdr_penalty", "deal_flows", "event_id", "releasable", "settle", "settlement_date", "spot_date",
    "tmpg_charge", "trade_event", "trade_flows",
]  # fmt: skip
