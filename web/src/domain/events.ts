/* What the host reported, in words: one line an event, and what the links did as spans of time. */
import type { StateTone, TimelineSpec } from "./data-spec";
import type { Stretch } from "./range";
import { NO_VALUE, quantity, text, type ByteUnit } from "./units";

export interface HostEvent {
    seq: number;
    t: number; // epoch ms
    kind: string;
    fields: Readonly<Record<string, unknown>>;
}

export const EVENT_GROUPS: readonly { name: string; title: string; kinds: readonly string[] }[] = [
    { name: "host", title: "Links, addresses, routes", kinds: ["link", "address", "route"] },
    { name: "losses", title: "Losses and errors", kinds: ["loss", "error"] },
    {
        name: "connections",
        title: "Connections",
        kinds: ["connection_opened", "connection_closed"],
    },
    { name: "dns", title: "DNS", kinds: ["dns"] },
];

const NAMES: Readonly<Record<string, string>> = {
    link: "link",
    address: "address",
    route: "route",
    loss: "loss",
    error: "error",
    connection_opened: "opened",
    connection_closed: "closed",
    dns: "DNS",
};

export function kindName(kind: string): string {
    return NAMES[kind] ?? kind.replaceAll("_", " ");
}

export function toneOf(kind: string): StateTone {
    return kind === "loss" || kind === "error" ? "warning" : "good";
}

function word(e: HostEvent, name: string): string {
    const v = e.fields[name];
    return typeof v === "string" || typeof v === "number" ? String(v) : "";
}

function number(e: HostEvent, name: string): number {
    const v = e.fields[name];
    return typeof v === "number" ? v : NaN;
}

function amount(e: HostEvent, name: string, bytesAs: ByteUnit): string {
    return text(quantity(number(e, name), "bytes", bytesAs));
}

function duration(ms: number): string {
    return Number.isNaN(ms) ? NO_VALUE : text(quantity(ms / 1000, "seconds", "bits"));
}

/* The one that it is about: a device, a program, a name. */
export function subjectOf(e: HostEvent): string {
    if (e.kind === "dns") return word(e, "name");
    return word(e, "device") || word(e, "process") || word(e, "what");
}

export function eventText(e: HostEvent, bytesAs: ByteUnit): string {
    const has = (name: string) => word(e, name) !== "";
    switch (e.kind) {
        case "link":
            if (word(e, "change") === "state")
                return `${word(e, "before")} → ${word(e, "state")}`;
            if (word(e, "change") === "mtu")
                return `MTU ${word(e, "mtu_before")} → ${word(e, "mtu")}`;
            if (word(e, "change") === "renamed") return `renamed from ${word(e, "before")}`;
            return word(e, "change") || word(e, "state") || "changed";
        case "address":
        case "route":
            return [word(e, "change"), word(e, "address"), word(e, "destination"), word(e, "gateway")]
                .filter(Boolean)
                .join(" ");
        case "connection_opened":
            return ends(e) + (has("connect_ms") ? ` in ${duration(number(e, "connect_ms"))}` : "");
        case "connection_closed": {
            const moved = `${amount(e, "rx_bytes", bytesAs)} in, ${amount(e, "tx_bytes", bytesAs)} out`;
            const again = number(e, "retransmits");
            return (
                `${ends(e)}: ${moved} in ${duration(number(e, "duration_ms"))}` +
                (again > 0 ? `, ${again} sent again` : "")
            );
        }
        case "dns":
            return `${word(e, "type")} ${word(e, "rcode")} in ${duration(number(e, "latency_ms"))} from ${word(e, "server")}`;
        default: {
            const said = [word(e, "what"), word(e, "reason")].filter(Boolean).join(": ");
            return (said || kindName(e.kind)) + (has("count") ? ` (${word(e, "count")})` : "");
        }
    }
}

function ends(e: HostEvent): string {
    const remote = word(e, "remote_name") || word(e, "remote");
    const arrow = word(e, "direction") === "in" ? "←" : "→";
    return `${word(e, "protocol")} ${word(e, "local")} ${arrow} ${remote}`;
}

/* Every word must occur somewhere in it, whatever the case. */
export function eventMatches(e: HostEvent, words: string): boolean {
    const hay = Object.values(e.fields).join(" ").toLowerCase();
    return words
        .toLowerCase()
        .split(/\s+/)
        .every((w) => hay.includes(w));
}

/* Both lists as one: newest first, each once, from that time on. */
export function mergeEvents(
    events: readonly HostEvent[],
    fresh: readonly HostEvent[],
    fromMs = -Infinity,
): readonly HostEvent[] {
    const all = new Map<number, HostEvent>();
    for (const e of [...events, ...fresh]) if (e.t >= fromMs) all.set(e.seq, e);
    return [...all.values()].sort((a, b) => b.seq - a.seq);
}

/* As healthOf of an interface: down is worth a mark only where a cable should be, and a virtual link
 * that does not know is well. */
function linkTone(state: string, physical: boolean | undefined): StateTone {
    if (state === "up") return "good";
    if (state === "unknown" && physical === false) return "good";
    if (state === "unknown" || state === "") return "unknown";
    return physical ? "warning" : "rest";
}

export interface LinkNow {
    device: string;
    state: string;
    physical: boolean | undefined; // undefined: what it is is not known
}

/*
 * From changes of links back to which state each was in, when. Before a change a link was as that
 * change says, also when it came after the window: `events` has all until now. One that did not
 * change any more is as it is now. What was not there then is not known, and neither is how links were
 * while nothing was recorded.
 */
export function linkSpans(
    events: readonly HostEvent[],
    now: readonly LinkNow[],
    fromMs: number,
    toMs: number,
    unrecorded: readonly Stretch[] = [],
): TimelineSpec["rows"] {
    const changes = new Map<string, HostEvent[]>();
    for (const e of events) {
        if (e.kind !== "link" || word(e, "change") !== "state") continue;
        if (e.t < fromMs) continue;
        const device = word(e, "device");
        changes.set(device, [...(changes.get(device) ?? []), e]);
    }
    const devices = [...new Set([...now.map((n) => n.device), ...changes.keys()])];
    return devices.map((name) => {
        const own = (changes.get(name) ?? []).sort((a, b) => a.t - b.t || a.seq - b.seq);
        const known = now.find((n) => n.device === name);
        const present = known?.state ?? "";
        const physical = known?.physical;
        const spans: StateSpan[] = [];
        let at = fromMs;
        let state = own.length ? word(own[0]!, "before") : present;
        for (const e of own) {
            if (e.t > toMs) break; // `state` is from before it
            if (e.t > at) spans.push({ fromMs: at, toMs: e.t, state, tone: linkTone(state, physical) });
            at = e.t;
            state = word(e, "state");
        }
        if (toMs > at) spans.push({ fromMs: at, toMs, state, tone: linkTone(state, physical) });
        return { name, spans: interrupted(spans, unrecorded), key: name };
    });
}

type StateSpan = TimelineSpec["rows"][number]["spans"][number];

/* Spans that follow each other, without what they say of these stretches of time, which do so, too. */
function interrupted(spans: readonly StateSpan[], gaps: readonly Stretch[]): readonly StateSpan[] {
    if (gaps.length === 0 || spans.length === 0) return spans;
    const [begin, end] = [spans[0]!.fromMs, spans.at(-1)!.toMs];
    const out: StateSpan[] = [];
    let s = 0;
    const known = (fromMs: number, toMs: number) => {
        for (; s < spans.length && spans[s]!.fromMs < toMs; s++) {
            const from = Math.max(spans[s]!.fromMs, fromMs);
            const to = Math.min(spans[s]!.toMs, toMs);
            if (from < to) out.push({ ...spans[s]!, fromMs: from, toMs: to });
            if (spans[s]!.toMs > toMs) return; // it goes on behind the gap
        }
    };
    let at = begin;
    for (const gap of gaps) {
        const fromMs = Math.max(gap.fromMs, begin);
        const toMs = Math.min(gap.toMs, end);
        if (fromMs >= toMs) continue;
        known(at, fromMs);
        out.push({ fromMs, toMs, state: "not recorded", tone: "unknown" });
        at = toMs;
    }
    known(at, end);
    return out;
}
