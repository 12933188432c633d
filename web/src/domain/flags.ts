/* Moments worth a mark on the time axis: what the stream's events and gaps mean to a reader. */
export interface Flag {
    t: number; // epoch ms
    kind: "link" | "loss" | "restart" | "error";
    device: string; // "" when it concerns the whole host
    text: string;
}

const FLAGS_MOST = 500;

function word(fields: Record<string, unknown>, ...names: string[]): string {
    for (const name of names) {
        const v = fields[name];
        if (typeof v === "string" && v !== "") return v;
        if (typeof v === "number") return String(v);
    }
    return "";
}

/* undefined: events that are no mark (addresses, routes). */
export function flagFromEvent(
    t: number,
    kind: string,
    fields: Record<string, unknown>,
): Flag | undefined {
    const device = word(fields, "device");
    const said = word(fields, "message", "summary", "text", "reason");
    if (kind === "link") {
        const state = word(fields, "state", "change", "action");
        return { t, kind: "link", device, text: `${device || "a link"}: ${state || said || "changed"}` };
    }
    if (kind === "loss") return { t, kind: "loss", device, text: said || "samples were lost" };
    if (kind === "error") return { t, kind: "error", device, text: said || "a part failed" };
    return undefined;
}

const GAP_WORDS: Record<string, string> = {
    ring: "older ticks were gone when this page came back",
    conflated: "this page read too slowly; ticks were merged",
    kernel: "the kernel lost samples",
    restart: "netsonde was restarted",
};

export function flagFromGap(t: number, reason: string): Flag | undefined {
    if (reason !== "restart" && reason !== "kernel") return undefined; // healed from history
    return { t, kind: reason === "restart" ? "restart" : "loss", device: "", text: GAP_WORDS[reason]! };
}

export function gapWords(reason: string): string {
    return GAP_WORDS[reason] ?? `ticks are missing (${reason})`;
}

/* Adds in order of time; the same mark twice is one. A new array; bounded. */
export function withFlag(flags: readonly Flag[], flag: Flag): readonly Flag[] {
    if (flags.some((f) => f.t === flag.t && f.text === flag.text)) return flags;
    return [...flags, flag].sort((a, b) => a.t - b.t).slice(-FLAGS_MOST);
}
