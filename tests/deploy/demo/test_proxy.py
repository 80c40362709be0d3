from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.demo.proxy import CuttableProxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def server() -> AsyncIterator[int]:
    listening = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


def unused_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


async def test_forwards_until_cut_and_again_once_mended(server: int) -> None:
    port = unused_port()
    async with CuttableProxy(port, server) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.readexactly(5), 2) == b"hello"
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 2)
        writer.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 2)
        writer.transport.abort()
        proxy.mend()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"again")
        assert await asyncio.wait_for(reader.readexactly(5), 2) == b"again"
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_a_dead_target_closes_the_connection_and_not_the_proxy(server: int) -> None:
    port = unused_port()
    async with CuttableProxy(port, unused_port()):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 2)
        writer.transport.abort()
