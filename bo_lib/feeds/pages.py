"""Pages of one statement (``:28E:2/MORE``): what lies between the pages of a file is a finding."""

from __future__ import annotations

from bo_lib.feeds.iso15022 import Block
from bo_lib.feeds.reading import Reading


class Pages:
    """Takes the pages of a file in their order; ``finish`` says which statement has no last page in it."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.open: dict[str, tuple[int, str]] = {}  # account -> page, place

    def take(self, root: Block) -> None:
        """``1/ONLY``, ``1/MORE``, ``2/MORE``, ``3/LAST``: page and whether more follow."""
        general = root.part("GENL")
        field = general.get("28E")
        page, _, more = (field.data if field else "").partition("/")
        if field is None or not (page.isascii() and page.isdigit() and len(page) <= 9):
            return
        name = f"{general.text('97', 'SAFE')}/{general.text('13', 'STAT')}"
        before = self.open.pop(name, None)
        if before and int(page) != before[0] + 1:
            self.reading.error("page-missing", "pages of the statement are missing or stand twice", field.at, "28E",
                               found=field.data[:20], expected=f"page {before[0] + 1}", todo="ask the sender for them")  # fmt: skip
        elif not before and int(page) > 1:
            self.reading.warning("page-missing", "the pages before this one are not in the file", field.at, "28E",
                                 found=field.data[:20], expected="page 1", todo="see whether another file holds them")  # fmt: skip
        if more == "MORE":
            self.open[name] = int(page), field.at

    def finish(self) -> None:
        for page, place in self.open.values():
            self.reading.warning("page-missing", f"more pages follow page {page}, and none is in the file", place, "28E",
                                 expected=f"page {page + 1}", todo="wait for it, or ask the sender")  # fmt: skip
