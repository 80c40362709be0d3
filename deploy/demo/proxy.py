"""A TCP proxy that can be cut: the network of a simulated home."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final, Self

CHUNK: Final = 64 * 1024


@dataclass
class CuttableProxy:
    """Forwards 127.0.0.1:``listen`` to 127.0.0.1:``target`` (ports) until :meth:`cut`; :meth:`mend` lets it through again.

    While cut, open connections are reset and new ones closed at once, as when a home's router is off.
    """

    listen: int
    target: int
    whole: bool = True
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _swallowed: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.listen)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self._reset()
        if self._server:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2)

    def cut(self) -> None:
        self.whole = False
        self._reset()

    def swallow(self) -> None:
        """From now on nothing passes through the open connections, and nobody is told; new ones work.  As where a router has
        forgotten them, or the host behind them has vanished and another answers for it.
        """
        self._swallowed |= self._open

    def mend(self) -> None:
        self.whole = True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _reset(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            writer.transport.abort()
            return
        try:
            there, out = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.target), 5)
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        self._open |= {writer, out}
        try:
            await asyncio.gather(self._copy(reader, out), self._copy(there, writer))
        finally:
            for each in (writer, out):
                self._open.discard(each)
                each.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # reset, cut, or half closed from the other side
            while data := await reader.read(CHUNK):
                if writer not in self._swallowed:
                    writer.write(data)
                    await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
