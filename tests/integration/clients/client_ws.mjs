// Viewers made with node's `ws`; they do what common.py says.
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { WebSocket } = require("ws");
const { version } = require("ws/package.json");

const SMALL_WINDOW_BITS = 10, TICKS = 15, FRAGMENT = 7;
const OFFERS = {
    plain: false,
    deflate: true,
    no_takeover: { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 },
    small_window: { serverMaxWindowBits: SMALL_WINDOW_BITS },
};

class Viewer {
    constructor(mode) {
        this.mode = mode;
        this.report = { mode, metrics: {} };
        this.messages = [];
        this.wake = () => {};
    }

    open(port) {
        this.ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/stream`, ["other", "netsonde.v1"],
            { perMessageDeflate: OFFERS[this.mode] });
        this.ws.on("message", (data) => {
            this.messages.push(data.toString());
            this.wake();
        });
        this.gone = new Promise((resolve, reject) => {
            this.ws.on("close", resolve);
            this.ws.on("error", reject);
        });
        return new Promise((resolve) => this.ws.on("open", resolve));
    }

    async waitFor(kind) {
        for (;;) {
            while (!this.messages.length)
                await new Promise((resolve) => { this.wake = resolve; });
            const text = this.messages.shift();
            const message = JSON.parse(text);
            if (message.type === "metrics")
                this.report.metrics[message.seq] = createHash("sha256").update(text).digest("hex");
            if (message.type === kind)
                return message;
        }
    }

    send(text, size = text.length) {
        for (let i = 0; i < text.length; i += size)
            this.ws.send(text.slice(i, i + size), { fin: i + size >= text.length });
    }

    async watch(port) {
        await this.open(port);
        this.report.deflate = this.ws.extensions.includes("permessage-deflate");
        this.report.protocol = this.ws.protocol;
        this.report.host = (await this.waitFor("hello")).host;
        this.send('{"op":"subscribe","id":1,"channel":"metrics"}', FRAGMENT);
        await this.waitFor("ok");
        this.report.series = (await this.waitFor("series")).series.length;
        const noise = randomBytes(25000).toString("hex");
        this.send(JSON.stringify({ op: "ping", id: 2, noise }));
        await this.waitFor("pong");
        this.send(JSON.stringify({ op: "ping", id: 3, noise }), 1000);
        await this.waitFor("pong");
        const pong = new Promise((resolve) => this.ws.on("pong", resolve));
        this.ws.ping("are you there");
        if ((await pong).toString() !== "are you there")
            throw new Error("a pong with another payload");
        while (Object.keys(this.report.metrics).length < TICKS)
            await this.waitFor("metrics");
    }

    async close() {
        this.ws.close(1000, "bye");
        return await this.gone;
    }
}

const [port, ...modes] = process.argv.slice(2);
const viewers = modes.map((mode) => new Viewer(mode));
await Promise.all(viewers.map((viewer) => viewer.watch(port)));
const half = Math.floor(viewers.length / 2);
for (const viewer of viewers.slice(0, half))
    viewer.report.closed = await viewer.close();
console.log(JSON.stringify({ library: `ws ${version}`, viewers: viewers.map((v) => v.report) }));
for (const viewer of viewers.slice(half))
    console.log(JSON.stringify(await viewer.gone));
