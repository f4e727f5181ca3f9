"""Corporate actions: announcements into golden records, entitlements, events for the books, and dates ahead."""

from bo_lib.actions.basis import (
    cash_in_lieu,
    exchange_with_boot,
    nil_paid_value,
    rights_basis,
    theoretical_ex_rights_price,
    withholding_reclaim,
)
from bo_lib.actions.entitle import entitlements, to_events
from bo_lib.actions.golden import Difference, GoldenEvent, Option, golden
from bo_lib.actions.schedule import by_terms, coupons_due, unannounced_coupons, upcoming
from bo_lib.actions.tables import COUPONS_DUE, ENTITLEMENTS, UPCOMING

__all__ = [
    "COUPONS_DUE", "ENTITLEMENTS", "UPCOMING", "Difference", "GoldenEvent", "Option", "by_terms", "cash_in_lieu", "coupons_due",
    "entitlements", "exchange_with_boot", "golden", "nil_paid_value", "rights_basis", "theoretical_ex_rights_price", "to_events",
    "unannounced_coupons", "upcoming", "withholding_reclaim",
]  # fmt: skip
