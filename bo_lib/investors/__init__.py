"""Investors: the register, validation of orders, dealing, calls by commitment."""

from bo_lib.investors.dealing import Dealt, capital_call, deal
from bo_lib.investors.orders import Orders, is_dealing_day, next_dealing_day, validate
from bo_lib.investors.register import Register, register, standing_capital
from bo_lib.investors.split import split_exactly

__all__ = [
    "Dealt",
    "Orders",
    "Register",
    "capital_call",
    "deal",
    "is_dealing_day",
    "next_dealing_day",
    "register",
    "split_exactly",
    "standing_capital",
    "validate",
]
