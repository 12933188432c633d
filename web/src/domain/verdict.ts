/*
 * The sentence at the head of the overview: how things are, worst first, in words that name the
 * interface. Numbers in it come as quantities so that the page can set them like all others.
 */
import { byName, healthOf, type Interface } from "./interfaces";
import { durationText, quantity, text, type ByteUnit } from "./units";

export interface Loss {
    device: string;
    packets: number;
}

export interface Verdict {
    level: "good" | "warning" | "unknown";
    lead: string;
    rest: string;
}

export function overviewVerdict(
    interfaces: readonly Interface[],
    counted: readonly string[],
    losses: readonly Loss[],
    knownMs: number, // how far back losses are known
    bytesAs: ByteUnit,
): Verdict {
    if (interfaces.length === 0)
        return { level: "unknown", lead: "Waiting for the first interfaces.", rest: "" };
    const traffic = trafficWords(interfaces, counted, bytesAs);
    const down = interfaces
        .filter((i) => healthOf(i) === "warning")
        .map((i) => i.device)
        .sort(byName);
    const lost = losses.filter((l) => l.packets >= 0.5).sort((a, b) => b.packets - a.packets);
    const span = durationText(knownMs);
    const worst = lost[0];
    const downWords = down.length ? `${listed(down)} ${down.length > 1 ? "are" : "is"} down. ` : "";
    if (worst) {
        const count = Math.round(worst.packets);
        const others = lost.length > 1 ? ` and ${plural(lost.length - 1, "other interface")}` : "";
        const amount = plural(count, "error or drop", "errors and drops");
        return {
            level: "warning",
            lead: `${worst.device}${others} lost packets.`,
            rest: `${amount} on ${worst.device} in the last ${span}. ${downWords}${traffic}`,
        };
    }
    if (down.length)
        return {
            level: "warning",
            lead:
                down.length === 1
                    ? `${down[0]} is down.`
                    : `${plural(down.length, "interface")} are down.`,
            rest: `${down.length > 1 ? listed(down) + ". " : ""}${traffic}`,
        };
    return {
        level: "good",
        lead: "All quiet.",
        rest: `${traffic}${knownMs > 0 ? ` No packet lost in the last ${span}.` : ""}`,
    };
}

function trafficWords(
    all: readonly Interface[],
    counted: readonly string[],
    bytesAs: ByteUnit,
): string {
    const rows = all.filter((i) => counted.includes(i.device));
    const busiest = rows.sort((a, b) => flow(b) - flow(a))[0];
    if (!busiest || !(flow(busiest) > 0)) return "No traffic right now.";
    const rate = (v: number) => text(quantity(v, "bytes/s", bytesAs));
    const share = rows.length > 1 ? "most: " : "";
    return `${busiest.device} carries ${share}${rate(busiest.rxRate)} in, ${rate(busiest.txRate)} out.`;
}

function flow(i: Interface): number {
    return (i.rxRate || 0) + (i.txRate || 0);
}

function plural(n: number, one: string, many = one + "s"): string {
    return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function listed(names: readonly string[]): string {
    const shown = names.slice(0, 4);
    const more = names.length - shown.length;
    return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
