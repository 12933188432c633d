// fan_ws.mjs: the same work by node's `ws` from npm, without compression. See fan_args.h.
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const { values } = parseArgs({
  options: { size: { type: "string" }, rate: { type: "string" }, clients: { type: "string" } },
});
const size = Number(values.size ?? 1024);
const period = 1000 / Number(values.rate ?? 10);
const filler = "0123456789 abcdef ".repeat(Math.ceil(size / 18) + 1);

let seq = 0;
let due = 0;

function tick() {
  seq += 1;
  const head = `fanout ${seq} ${process.hrtime.bigint()} `;
  const offset = head.length % 18;
  const message = Buffer.from(head + filler.slice(offset, offset + size - head.length));
  for (const client of server.clients) client.send(message, { binary: false });
  due += period;
  setTimeout(tick, Math.max(0, due - performance.now()));
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
server.on("connection", (client) => {
  client.on("error", () => {}); // a reset is how the crowd leaves
  client.on("message", () => {
    if (seq) return;
    due = performance.now();
    tick();
  });
});
server.on("listening", () => console.log(server.address().port));
