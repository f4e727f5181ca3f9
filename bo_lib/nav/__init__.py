"""NAV: prices, rates, valuation, the strike, its controls, attribution and the administrator's shadow."""

from bo_lib.nav.accrued import accrued_interest
from bo_lib.nav.attribution import Attribution, attribute
from bo_lib.nav.controls import CONTROLS, Approval, Control, Evidence, control, verdict
from bo_lib.nav.distributions import distributed
from bo_lib.nav.explain import VALUED, explain_nav, steps_of_class, valued
from bo_lib.nav.incentive import equalised_prices
from bo_lib.nav.pricing import Priced, PriceOverride, select_prices
from bo_lib.nav.rates import select_rates
from bo_lib.nav.series import rolled_up
from bo_lib.nav.shadow import Shadow, shadow
from bo_lib.nav.state import ClassState, State, opening_state, state_from_payload
from bo_lib.nav.strike import Strike, strike
from bo_lib.nav.swing import Flow, dealing_prices, levied_prices
from bo_lib.nav.valuation import Valuation, marks, net_assets_by_ledger, value

__all__ = [
    "CONTROLS",
    "VALUED",
    "Approval",
    "Attribution",
    "ClassState",
    "Control",
    "Evidence",
    "Flow",
    "PriceOverride",
    "Priced",
    "Shadow",
    "State",
    "Strike",
    "Valuation",
    "accrued_interest",
    "attribute",
    "control",
    "dealing_prices",
    "distributed",
    "equalised_prices",
    "explain_nav",
    "levied_prices",
    "marks",
    "net_assets_by_ledger",
    "opening_state",
    "rolled_up",
    "select_prices",
    "select_rates",
    "shadow",
    "state_from_payload",
    "steps_of_class",
    "strike",
    "value",
    "valued",
    "verdict",
]
