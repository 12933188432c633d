"""Viewers made with Python's `websockets`; test_clients.py says what they do."""
import asyncio

import websockets
from common import SMALL_WINDOW_BITS, Viewer, play
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

EXTENSIONS = {
    "plain": None,
    "deflate": [ClientPerMessageDeflateFactory(client_max_window_bits=True)],
    "no_takeover": [ClientPerMessageDeflateFactory(server_no_context_takeover=True,
                                                   client_no_context_takeover=True)],
    "small_window": [ClientPerMessageDeflateFactory(server_max_window_bits=SMALL_WINDOW_BITS)],
}


class Client(Viewer):
    async def open(self, port):
        self.ws = await websockets.connect(
            f"ws://127.0.0.1:{port}/api/v1/stream", subprotocols=["other", "netsonde.v1"],
            compression=None, extensions=EXTENSIONS[self.mode], max_size=None)
        used = self.ws.extensions if hasattr(self.ws, "extensions") else self.ws.protocol.extensions
        self.told(deflate=any(e.name == "permessage-deflate" for e in used),
                  protocol=self.ws.subprotocol)

    async def receive(self):
        return await self.ws.recv()

    async def send(self, text, size=None):
        await self.ws.send([text[i:i + size] for i in range(0, len(text), size)] if size else text)

    async def ping(self):
        await (await self.ws.ping(b"are you there"))

    async def close(self):
        await self.ws.close(1000, "bye")
        return self.ws.close_code

    async def closed(self):
        try:
            while True:
                await self.ws.recv()
        except websockets.ConnectionClosed:
            return self.ws.close_code


asyncio.run(play(Client, f"websockets {websockets.__version__}"))
