"""``vigil gateway``: the gateway in a home."""

from __future__ import annotations

import asyncio
import signal

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def gateway() -> None:
        """Run the gateway of a home: listen to its wearables, keep their readings, send them on.

        Claim it first: vigil pair claim CODE --desk URL.
        Settings come from the environment: VIGIL_GATEWAY_…

        Example: VIGIL_GATEWAY_STATE=/var/lib/vigil vigil gateway
        """
        from deploy.logs import configure
        from gateway.run import run
        from gateway.settings import GatewaySettings

        async def until_stopped() -> None:
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await run(GatewaySettings(), stop=stop)

        configure()
        asyncio.run(until_stopped())
