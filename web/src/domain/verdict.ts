/*
 * The sentence at the head of the overview: how things are, worst first, in words that name the
 * interface. Numbers in it come as quantities so that the page can set them like all others.
 *
 * Quiet by default: what happens on every healthy host (a segment sent again now and then, a datagram
 * to a closed port) is no warning. What was lost inside this host is one, however little.
 */
import { byName, healthOf, isLoopback, type Interface } from "./interfaces";
import { digits, durationText, quantity, text, type ByteUnit } from "./units";
import { nameIn } from "./name-in";

export interface Loss {
    device: string;
    packets: number;
}

/* What happened in the window, in whole events; all zero when nothing is known. */
export interface Amounts {
    knownMs: number; // how far back, which is less than the window when measuring began inside it
    unknownMs: number; // how much of that was not measured
    past: boolean; // the window does not end now: states of the present say nothing about it
    losses: readonly Loss[];
    segmentsSent: number;
    segmentsAgain: number;
    datagramsOverrun: number; // arrived and found the receive buffer full
    datagramsUnheard: number; // arrived where nobody listens
    backlogDrops: number;
}

export interface Verdict {
    level: "good" | "warning" | "critical" | "unknown";
    lead: string;
    rest: string; // what the lead means, and what else is wrong
    traffic: string; // where the bytes are; may be left out where there is little room
}

/* Losing one packet in fifty is felt; with few segments a share says nothing. */
const AGAIN_SHARE = 0.02;
const AGAIN_LEAST = 20;
const SEGMENTS_LEAST = 1000;
const UNHEARD_PER_S = 1; // less than one a second is the usual knocking at closed ports
const UNHEARD_OVER_MS = 10_000; // at least, so that a first tick is no average
const UNKNOWN_SHARE = 0.05; // a tick that was late is not worth a word
const INSIDE_TIMES = 10; // traffic inside the host is told when it is so many times more

interface Trouble {
    lead: string;
    detail: string;
    brief: string; // beside a worse one
}

export function overviewVerdict(
    interfaces: readonly Interface[],
    counted: readonly string[],
    amounts: Amounts,
    bytesAs: ByteUnit,
): Verdict {
    if (interfaces.length === 0)
        return {
            level: "unknown",
            lead: "Waiting for the first interfaces.",
            rest: "",
            traffic: "",
        };
    const traffic = trafficWords(interfaces, counted, amounts.past, bytesAs);
    const span = `${amounts.past ? "in these" : "in the last"} ${durationText(amounts.knownMs)}`;
    const troubles = [
        lostOnInterfaces(amounts, span),
        lostInBacklog(amounts, span),
        lostInBuffers(amounts, span),
        sentAgain(amounts, span),
        amounts.past ? undefined : linksDown(interfaces),
    ].filter((t) => t !== undefined);
    const [worst, ...others] = troubles;
    if (worst) {
        const also = others.length ? `Also: ${others.map((t) => t.brief).join("; ")}.` : "";
        return { level: "warning", lead: worst.lead, rest: joined(worst.detail, also), traffic };
    }
    if (amounts.past && amounts.knownMs === 0)
        return {
            level: "unknown",
            lead: "Nothing was measured in this window.",
            rest: "",
            traffic: "",
        };
    const { knownMs, unknownMs } = amounts;
    const hole = unknownMs >= knownMs * UNKNOWN_SHARE && unknownMs > 0;
    const but = hole ? `, of which ${durationText(unknownMs)} were not measured` : "";
    const lost = knownMs > 0 ? `No packet lost ${span}${but}.` : "";
    return {
        level: "good",
        lead: amounts.past ? "All was quiet." : "All quiet.",
        rest: joined(lost, unheardWords(amounts)),
        traffic,
    };
}

function lostOnInterfaces({ losses }: Amounts, span: string): Trouble | undefined {
    const lost = losses.filter((l) => l.packets >= 0.5).sort((a, b) => b.packets - a.packets);
    const worst = lost[0];
    if (!worst) return undefined;
    const others = lost.length > 1 ? ` and ${plural(lost.length - 1, "other interface")}` : "";
    const amount = plural(Math.round(worst.packets), "error or drop", "errors and drops");
    return {
        lead: `${worst.device}${others} lost packets.`,
        detail: `${amount} on ${worst.device} ${span}.`,
        brief: `${amount} on ${worst.device}`,
    };
}

function lostInBacklog({ backlogDrops }: Amounts, span: string): Trouble | undefined {
    const n = Math.round(backlogDrops);
    if (n < 1) return undefined;
    return {
        lead: "The kernel dropped packets.",
        detail: `${plural(n, "packet")} came faster than the CPUs took them ${span}.`,
        brief: `${plural(n, "packet")} dropped by a full backlog`,
    };
}

function lostInBuffers({ datagramsOverrun }: Amounts, span: string): Trouble | undefined {
    const n = Math.round(datagramsOverrun);
    if (n < 1) return undefined;
    return {
        lead: "UDP datagrams were lost.",
        detail: `${plural(n, "datagram")} came faster than programs read them ${span}.`,
        brief: `${plural(n, "UDP datagram")} lost in full receive buffers`,
    };
}

function sentAgain(
    { segmentsSent, segmentsAgain, past }: Amounts,
    span: string,
): Trouble | undefined {
    const share = segmentsAgain / segmentsSent;
    if (segmentsSent < SEGMENTS_LEAST || segmentsAgain < AGAIN_LEAST || !(share >= AGAIN_SHARE))
        return undefined;
    const percent = `${digits(share * 100)}\u2009%`;
    const again = Math.round(segmentsAgain).toLocaleString("en");
    const sent = plural(Math.round(segmentsSent), "segment");
    return {
        lead: `TCP ${past ? "sent" : "sends"} ${percent} of its segments again.`,
        detail: `${again} of ${sent} ${span}: packets ${past ? "got" : "get"} lost on the way.`,
        brief: `${percent} of TCP segments sent again`,
    };
}

function linksDown(interfaces: readonly Interface[]): Trouble | undefined {
    const down = interfaces
        .filter((i) => healthOf(i) === "warning")
        .map((i) => i.device)
        .sort(byName);
    if (down.length === 0) return undefined;
    const brief = `${listed(down)} ${down.length > 1 ? "are" : "is"} down`;
    if (down.length === 1) return { lead: `${brief}.`, detail: "", brief };
    return {
        lead: `${plural(down.length, "interface")} are down.`,
        detail: `${listed(down)}.`,
        brief,
    };
}

/* Nothing was lost by the host: somebody sends to where nobody listens. Worth a word, no more. */
function unheardWords({ datagramsUnheard, knownMs, past }: Amounts): string {
    const rate = datagramsUnheard / (Math.max(knownMs, UNHEARD_OVER_MS) / 1000);
    if (rate < UNHEARD_PER_S) return "";
    return `${digits(rate)} UDP datagrams a second ${past ? "found" : "find"} no listener.`;
}

function trafficWords(
    all: readonly Interface[],
    counted: readonly string[],
    past: boolean,
    bytesAs: ByteUnit,
): string {
    const carries = past ? "carried" : "carries";
    const rate = (v: number) => text(quantity(v, "bytes/s", bytesAs));
    const both = (i: Interface) => `${rate(i.rxRate)} in, ${rate(i.txRate)} out`;
    // What a loopback sends it receives: one number says it.
    const one = (i: Interface) =>
        isLoopback(i) ? rate(Math.max(i.rxRate || 0, i.txRate || 0)) : both(i);
    const rows = all.filter((i) => counted.includes(i.device));
    const busiest = busiestOf(rows);
    const inside = busiestOf(all.filter((i) => !counted.includes(i.device)));
    const only = busiest === undefined || isLoopback(busiest) ? (busiest ?? inside) : undefined;
    if (only)
        return `Traffic ${past ? "stayed" : "stays"} inside this host: ${nameIn(only.device)} ${carries} ${one(only)}.`;
    if (!busiest) return past ? "No traffic." : "No traffic right now.";
    if (inside && flow(inside) > INSIDE_TIMES * flow(busiest))
        return `${nameIn(inside.device)} ${carries} ${one(inside)} inside this host, ${nameIn(busiest.device)} ${both(busiest)}.`;
    return `${nameIn(busiest.device)} ${carries} ${rows.length > 1 ? "most: " : ""}${both(busiest)}.`;
}

function busiestOf(rows: readonly Interface[]): Interface | undefined {
    const busiest = [...rows].sort((a, b) => flow(b) - flow(a))[0];
    return busiest && flow(busiest) > 0 ? busiest : undefined;
}

function flow(i: Interface): number {
    return (i.rxRate || 0) + (i.txRate || 0);
}

export function joined(...sentences: string[]): string {
    return sentences.filter((s) => s !== "").join(" ");
}

function plural(n: number, one: string, many = one + "s"): string {
    return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function listed(names: readonly string[]): string {
    const shown = names.slice(0, 4);
    const more = names.length - shown.length;
    return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
