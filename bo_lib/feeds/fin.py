"""Files of FIN messages: each message goes to the reader of its kind, so one file may hold several kinds."""

from __future__ import annotations

from collections.abc import Callable

from bo_lib.feeds import mt54x, mt56x, mt300, mt535, mt536, mt537, mt564, mt940
from bo_lib.feeds.checks import continuity
from bo_lib.feeds.guess import guess
from bo_lib.feeds.iso15022 import Message, messages
from bo_lib.feeds.reading import Reading
from bo_lib.model.tables import STATEMENTS

Reader = Callable[[list[Message], Reading], None]
READERS: dict[str, Reader] = {
    kind: module.read for module in (mt940, mt535, mt536, mt537, mt54x, mt564, mt56x, mt300) for kind in module.KINDS
}
BYTES_MAX = 128 * 2**20  # a message has at most 10,000 characters, and a row takes about ten times its text
_ROWS = {"FIN", "TRAN", "STAT", "PENDET", "CAOPTN"}  # blocks that are rows of some kind


def read(data: bytes, reading: Reading) -> None:
    """Every message of the file into canonical tables; a message of a kind that is not read is an error and quarantined."""
    if len(data) > BYTES_MAX:
        reading.error("file-too-large", "the file of messages is larger than is read", found=f"{len(data)} bytes",
                      expected=f"at most {BYTES_MAX} bytes", todo="ask the sender to split it")  # fmt: skip
        return
    groups: dict[Reader, list[Message]] = {}
    sent = messages(data, reading)
    if not sent:
        reading.error("message-missing", "the file holds no message", "line 1", expected="{1:…}{2:…}{4:…-} or fields :20:",
                      todo="it may be cut: ask the sender for it again")  # fmt: skip
    for message in sent:
        message.kind = message.kind or guess(message.fields)
        if not message.fields:
            reading.error("message-empty", f"the MT{message.kind} has no field", message.at, todo="ask the sender for it again")
            reading.refused += 1
            if reader := READERS.get(message.kind):
                groups.setdefault(reader, [])
        elif reader := READERS.get(message.kind):
            groups.setdefault(reader, []).append(message)
        else:
            what = f"an MT{message.kind}" if message.kind else "a message of an unknown kind"
            reading.error("message-not-read", f"{what} is not read", message.at, found=message.fields[0].tag,
                          expected=", ".join(READERS), todo="take it out, or ask the sender for another format")  # fmt: skip
            reading.refused += max(1, sum(f.tag == "61" or (f.tag == "16R" and f.value in _ROWS) for f in message.fields))
    for reader, group in groups.items():
        reader(group, reading)
    for found in continuity(reading.rows.get(STATEMENTS.name, ())):
        reading.warning(found.code, found.message, found.place.at, "statements.number", found=found.found, expected=found.expected,
                        todo=found.todo)  # fmt: skip
