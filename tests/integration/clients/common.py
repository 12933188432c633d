"""What the Python clients do, whatever library they are made with. On the command line: the port,
and for each viewer a mode: how it offers permessage-deflate."""
import asyncio
import hashlib
import json
import random
import sys

MODES = ("plain", "deflate", "no_takeover", "small_window")
SMALL_WINDOW_BITS = 10
TICKS = 15
FRAGMENT = 7


class Viewer:
    """One connection. The library's side: open, receive, send, ping, close, closed."""

    def __init__(self, mode):
        self.mode = mode
        self.report = {"mode": mode, "metrics": {}}

    def told(self, **facts):
        self.report.update(facts)

    async def wait_for(self, *kinds):
        while True:
            text = await self.receive()
            message = json.loads(text)
            if message["type"] == "metrics":
                self.report["metrics"][message["seq"]] = hashlib.sha256(text.encode()).hexdigest()
            if message["type"] in kinds:
                return message

    async def watch(self, port):
        """Everything a client does but its goodbye: fragmented, long and many messages."""
        await self.open(port)
        hello = await self.wait_for("hello")
        self.told(host=hello["host"])
        await self.send('{"op":"subscribe","id":1,"channel":"metrics"}', FRAGMENT)
        await self.wait_for("ok")
        series = await self.wait_for("series")
        self.told(series=len(series["series"]))
        noise = random.Random(1).randbytes(25000).hex()
        await self.send(json.dumps({"op": "ping", "id": 2, "noise": noise}))
        await self.wait_for("pong")
        await self.send(json.dumps({"op": "ping", "id": 3, "noise": noise}), 1000)
        await self.wait_for("pong")
        await self.ping()
        while len(self.report["metrics"]) < TICKS:
            await self.wait_for("metrics")


async def play(client, library):
    """The first half say goodbye by themselves, the others wait for the server's."""
    port, modes = int(sys.argv[1]), sys.argv[2:]
    viewers = [client(mode) for mode in modes]
    await asyncio.gather(*(viewer.watch(port) for viewer in viewers))
    for viewer in viewers[:len(viewers) // 2]:
        viewer.told(closed=await viewer.close())
    print(json.dumps({"library": library, "viewers": [v.report for v in viewers]}), flush=True)
    for viewer in viewers[len(viewers) // 2:]:
        print(json.dumps(await viewer.closed()), flush=True)
