"""Viewers made with Python's `autobahn`; test_clients.py says what they do."""
import asyncio

import autobahn
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (PerMessageDeflateOffer, PerMessageDeflateResponse,
                                         PerMessageDeflateResponseAccept)
from common import SMALL_WINDOW_BITS, Viewer, play

OFFERS = {
    "plain": [],
    "deflate": [PerMessageDeflateOffer()],
    "no_takeover": [PerMessageDeflateOffer(request_no_context_takeover=True)],
    "small_window": [PerMessageDeflateOffer(request_max_window_bits=SMALL_WINDOW_BITS)],
}


def accept(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


class Protocol(WebSocketClientProtocol):
    def __init__(self):
        super().__init__()
        self.opened = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        self.pong = asyncio.Event()
        self.messages = asyncio.Queue()

    def onOpen(self):
        self.opened.set_result(None)

    def onMessage(self, payload, isBinary):
        self.messages.put_nowait(payload.decode())

    def onPong(self, payload):
        if payload == b"are you there":
            self.pong.set()

    def onClose(self, wasClean, code, reason):
        self.gone.set_result(code if wasClean else f"not clean: {code} {reason}")


class Client(Viewer):
    async def open(self, port):
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/api/v1/stream",
                                         protocols=["other", "netsonde.v1"])
        factory.protocol = Protocol
        factory.setProtocolOptions(perMessageCompressionOffers=OFFERS[self.mode],
                                   perMessageCompressionAccept=accept)
        loop = asyncio.get_running_loop()
        _, self.ws = await loop.create_connection(factory, "127.0.0.1", port)
        await self.ws.opened
        self.told(deflate="PerMessageDeflate" in str(self.ws.websocket_extensions_in_use),
                  protocol=self.ws.websocket_protocol_in_use)

    async def receive(self):
        return await self.ws.messages.get()

    async def send(self, text, size=None):
        self.ws.sendMessage(text.encode(), fragmentSize=size)

    async def ping(self):
        self.ws.sendPing(b"are you there")
        await self.ws.pong.wait()

    async def close(self):
        self.ws.sendClose(1000, "bye")
        return await self.ws.gone

    async def closed(self):
        return await self.ws.gone


asyncio.run(play(Client, f"autobahn {autobahn.__version__}"))
