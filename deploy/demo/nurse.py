"""A simulated nurse: signs in at the desk as anybody would, watches the worklist's stream, and acknowledges what comes."""

from __future__ import annotations

import asyncio
import html
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec

_DOOR: Final = re.compile(r'name="door" value="([^"]*)"')
_CSRF: Final = re.compile(r'data-csrf="([^"]*)"')
_POST: Final = re.compile(r"hx-post=\"(/(?:alarms|lines)/[^\"]+/acknowledge)\" hx-vals='([^']*)'")
_AGAIN_S: Final = 0.5
_SILENT_S: Final = 20.0


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> bool:
    """Sign in at the desk; True if it lets ``name`` in."""
    door = _DOOR.search((await client.get("/sign-in")).text)
    form = {"door": html.unescape(door[1]) if door else "", "username": name, "password": password}
    return (await client.post("/sign-in", data=form)).status_code < 400


@dataclass
class SimulatedNurse:
    """``seen``: alarm to the wall clock's ms at which the desk first showed it.  ``hand_s``: until she answers."""

    desk: str
    sign_in: str
    password: str
    hand_s: float = 5.0
    seen: dict[int, int] = field(default_factory=dict)
    acknowledged: int = 0
    troubles: int = 0
    _taken: set[str] = field(default_factory=set)

    async def work(self) -> None:
        """Acknowledge until cancelled; sign in again after the desk was away."""
        while True:
            try:
                async with httpx.AsyncClient(base_url=self.desk, timeout=httpx.Timeout(10, read=_SILENT_S)) as client:
                    await self._shift(client)
            except (httpx.HTTPError, _NotInError):
                self.troubles += 1
            await asyncio.sleep(_AGAIN_S)

    async def _shift(self, client: httpx.AsyncClient) -> None:
        admitted = await sign_in(client, self.sign_in, self.password)
        token = _CSRF.search((await client.get("/")).text)
        if not admitted or token is None:
            raise _NotInError
        headers = {"X-CSRF-Token": html.unescape(token[1]), "HX-Request": "true"}
        hands: set[asyncio.Task[None]] = set()
        try:
            async with client.stream("GET", "/stream") as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data:"):
                        for key in self._unacknowledged(msgspec.json.decode(line[5:].strip() or b"{}")):
                            hand = asyncio.create_task(self._answer_once(client, key, headers))
                            hands.add(hand)
                            hand.add_done_callback(hands.discard)
        finally:
            for hand in hands:
                hand.cancel()

    def _unacknowledged(self, event: dict[str, Any]) -> list[str]:
        """Keys of the rows with an alarm that calls for the first time."""
        fresh: dict[str, None] = {}
        for identity, *_, key in event.get("calls", ()):
            if identity.isdigit():
                self.seen.setdefault(int(identity), time.time_ns() // 1_000_000)
            if identity not in self._taken:
                self._taken.add(identity)
                fresh[key] = None
        return list(fresh)

    async def _answer_once(self, client: httpx.AsyncClient, key: str, headers: dict[str, str]) -> None:
        try:
            await self._answer(client, key, headers)
        except httpx.HTTPError:
            self.troubles += 1

    async def _answer(self, client: httpx.AsyncClient, key: str, headers: dict[str, str]) -> None:
        await asyncio.sleep(self.hand_s)
        row = (await client.get("/rows", params={"key": key})).text
        found = _POST.search(row)
        if found is None:
            return
        values = msgspec.json.decode(html.unescape(found[2]))
        answer = await client.post(found[1], data={k: str(v) for k, v in values.items()}, headers=headers)
        if answer.status_code < 400:
            self.acknowledged += 1


class _NotInError(Exception):
    pass
