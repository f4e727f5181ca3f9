"""Which SWIFT message a text is: by its header, else by its fields."""

from __future__ import annotations

import re
from functools import lru_cache

from bo_lib.feeds.iso15022 import CONTROLS, TAG, Field
from bo_lib.feeds.reading import lines_of

_TYPE = re.compile(r"\{2:[IO](\d{3})")


@lru_cache(maxsize=2)  # every format asks the same head
def kind_of(head: str) -> str:
    """MT number of the first message of a file's head (``535``), guessed from its fields where there is no header; or empty."""
    if found := _TYPE.search(head):
        return found[1]
    matches = (TAG.match(line.strip(CONTROLS)) for line in lines_of(head))
    return guess([Field(m[1], m[2].strip(), 0) for m in matches if m], whole_file=True)


_CASH_TAGS = {"60F", "60M", "61", "62F", "62M", "34F", "90C", "90D"}
_CASH = re.compile(r"[CD]\d{6}|\d{6}[ \d]{0,4}[RE]?[CD]|[A-Z]{3}[CD]?\d|\d{1,5}[A-Z]{3}\d")  # a balance, an entry, a limit, a total


def guess(fields: list[Field], whole_file: bool = False) -> str:
    """MT number of a message without header, from its fields; empty where they say nothing. A whole file must say more."""
    tags = {f.tag for f in fields}
    if tags & _CASH_TAGS and (not whole_file or any(f.tag in _CASH_TAGS and _CASH.match(f.value) for f in fields)):
        return "942" if tags & {"34F", "90C", "90D", "13D"} and not tags & {"60F", "60M"} else "940"
    if "20" in tags and "25" in tags:
        return "940"
    if tags & {"15A", "15B"} and {"32B", "33B"} <= tags:
        return "300"
    return _guess_securities(fields) if tags & {"16R", "16S"} else ""


def _guess_securities(fields: list[Field]) -> str:
    blocks = {f.value.strip() for f in fields if f.tag == "16R"}
    said = {f.tag + f.value[:6] for f in fields}  # 22F:CAEV/
    if "22F:CAEV/" in said:
        kinds = {
            "565": "CAINST" in blocks,
            "566": "CACONF" in blocks,
            "567": "25D:IPRC/" in said,
            "568": _is_narrative(fields, blocks),
        }
        return next((kind for kind, fits in kinds.items() if fits), "564")
    if "22H:STST/" in said or "PENA" in blocks:
        return "537"
    if "FIN" in blocks or said & {"22F:STTY/", "22F:STBA/"} or "SUBSAFE" in blocks:
        return "536" if "TRAN" in blocks or any(one.endswith(":STAT/") and one.startswith("69") for one in said) else "535"
    if said & {f"25D:{q}/" for q in ("SETT", "MTCH", "INMH", "IPRC", "CPRC", "TPRC")}:
        return "548"
    if any(one.endswith(":ESTT/") for one in said):
        return "547"
    return "540" if "SETDET" in blocks and blocks & {"TRADDET", "FIAC"} else ""


def _is_narrative(fields: list[Field], blocks: set[str]) -> bool:
    """An MT568: nothing but words, in field 70F."""
    return any(f.tag == "70F" for f in fields) and not blocks & {"CADETL", "CAOPTN"}
