"""What the dashboard server gives away, and to whom: its pages and the pages of runs, nothing else."""

import base64
import http.client
import os
import re
import socket
from pathlib import Path

import pytest

from tests.browser import small_firm

RUN = "/runs/" + small_firm.EXECUTED.removeprefix("outputs/")


def ask(server: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=120)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_it_leads_to_the_control_tower(server: str) -> None:
    status, headers, _ = ask(server, "/")
    assert status == 302 and headers["Location"] == "/voila/render/control_tower.ipynb"


@pytest.mark.parametrize(
    "path",
    [
        "/voila/tree",
        "/voila/files/control_tower.ipynb",
        "/voila/api/contents/",
        "/voila/render/../../parameters/firm.yaml",
        "/voila/render/nothing_there.ipynb",
        "/voila/render/../desk_only.ipynb",
        "/voila/render/%2e%2e/desk_only.ipynb",
        "/runs/books.sqlite",
        "/runs/../parameters/firm.yaml",
        "/runs/%2e%2e/parameters/firm.yaml",
        RUN + "/manifest.json",
        RUN + "/../../../../../../notebooks/dashboards/control_tower.ipynb",
    ],
)
def test_nothing_else_is_served(server: str, path: str) -> None:
    status, headers, body = ask(server, path)
    if status == 302:
        status, _, body = ask(server, headers["Location"])
    assert status in (403, 404), status
    assert not any(word in body for word in ("jsdelivr", "four_eyes", "desk only"))


def test_a_link_out_of_the_outputs_is_not_followed(server: str, firm: Path) -> None:
    folder = firm / "outputs/2026-06-30/EURO-UCITS/daily_recon/linked"
    folder.mkdir(exist_ok=True)
    (folder / "executed.html").symlink_to(firm / "parameters/firm.yaml")
    assert ask(server, "/runs/2026-06-30/EURO-UCITS/daily_recon/linked/executed.html")[0] == 404


def test_the_page_of_a_run_is_served_in_a_sandbox(server: str) -> None:
    status, headers, body = ask(server, RUN + "/executed.html")
    assert status == 200 and "Daily reconciliation" in body
    assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none'")


def test_a_request_for_another_host_is_refused(server: str) -> None:
    assert ask(server, "/voila/render/control_tower.ipynb", Host="evil.example")[0] == 403
    assert ask(server, RUN + "/executed.html", Host="evil.example")[0] == 403


def test_only_v1_clients_get_to_a_kernel(server: str) -> None:
    """Voila counts up to a number that other clients put there, until the memory is full: they are refused at the door."""
    status, headers, page = ask(server, "/voila/render/control_tower.ipynb", X_Forwarded_User="<b>eve</b>")
    assert status == 200 and "default-src 'self'" in headers["Content-Security-Policy"]
    assert "&lt;b&gt;eve&lt;/b&gt;" in page and "<b>eve" not in page
    assert "from bo_lib import" not in page, "sources are stripped"
    found = re.search(r'"kernelId": "([\w-]+)"', page)
    assert found
    channel = f"/api/kernels/{found[1]}/channels?session_id=x"
    assert _upgrade(server, channel, "")[0] == 400
    assert _upgrade(server, channel, "Sec-WebSocket-Protocol: v2.other.example\r\n")[0] == 400
    allowed = "Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\n"
    assert _upgrade(server, channel, allowed)[0] == 101
    hostile = b"\xff\xff\xff\xff\xff\x00\x00\x00rubbish"
    opcode, code = _upgrade(server, channel, allowed, hostile)[1:]
    assert (opcode, code) == (8, 1003), "a message with billions of parts closes the connection"
    assert ask(server, "/")[0] == 302, "and the server goes on"


def _upgrade(server: str, path: str, extra: str, message: bytes = b"") -> tuple[int, int, int]:
    """Status of a websocket handshake; with a message sent, also opcode and close code of the answer that closes."""
    host, port = server.removeprefix("http://").split(":")
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        asked = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        wire.sendall(f"{asked}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n".encode())
        stream = wire.makefile("rb")
        status = int(stream.readline().split()[1])
        while stream.readline().strip():
            pass
        if not message:
            return status, 0, 0
        wire.sendall(bytes([0x82, 0x80 | len(message), 0, 0, 0, 0]) + message)  # masked with zeros
        while True:
            opcode, length = (byte & mask for byte, mask in zip(stream.read(2), (0x0F, 0x7F), strict=True))
            size = {126: 2, 127: 8}.get(length, 0)
            payload = stream.read(int.from_bytes(stream.read(size), "big") if size else length)
            if opcode == 8:
                return status, opcode, int.from_bytes(payload[:2], "big")
