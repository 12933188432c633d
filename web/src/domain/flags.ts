/* Moments worth a mark on the time axis: what the stream's events and gaps mean to a reader. */
export interface Flag {
    t: number; // epoch ms
    kind: "link" | "loss" | "restart" | "error" | "warning" | "critical" | "resolved";
    device: string; // "" when it concerns the whole host
    text: string;
}

const FLAGS_MOST = 500;

/* Kinds of events that can be marks. */
export const FLAG_KINDS = ["link", "loss", "error"] as const;

function word(fields: Record<string, unknown>, name: string): string {
    const v = fields[name];
    return typeof v === "string" || typeof v === "number" ? String(v) : "";
}

/* undefined: events that are no mark (addresses, routes, unknown ones). */
export function flagFromEvent(
    t: number,
    kind: string,
    fields: Record<string, unknown>,
): Flag | undefined {
    const device = word(fields, "device");
    if (kind === "link") return { t, kind, device, text: `${device}: ${linkWords(fields)}` };
    if (kind !== "loss" && kind !== "error") return undefined;
    const parts = [word(fields, "what"), word(fields, "reason")].filter((p) => p !== "");
    return {
        t,
        kind,
        device,
        text: parts.join(": ") || (kind === "loss" ? "samples were lost" : "a part failed"),
    };
}

function linkWords(fields: Record<string, unknown>): string {
    const change = word(fields, "change");
    switch (change) {
        case "state":
            return `${word(fields, "before")} → ${word(fields, "state")}`;
        case "renamed":
            return `renamed from ${word(fields, "before")}`;
        case "mtu":
            return `MTU ${word(fields, "mtu_before")} → ${word(fields, "mtu")}`;
        default:
            return change || word(fields, "state") || "changed";
    }
}

/* When measuring began anew: before it lies what was not measured. */
export function flagFromStart(t: number): Flag {
    return { t, kind: "restart", device: "", text: "netsonde was started" };
}

/* Gaps for other reasons are filled from history and leave no mark. */
export function flagFromGap(t: number, reason: string): Flag | undefined {
    if (reason === "kernel")
        return { t, kind: "loss", device: "", text: "the kernel lost samples" };
    return undefined;
}

/* Many at once, which are no copies of each other. */
export function withFlags(flags: readonly Flag[], more: readonly Flag[]): readonly Flag[] {
    return more.length ? [...flags, ...more].sort((a, b) => a.t - b.t).slice(-FLAGS_MOST) : flags;
}

/* Adds in order of time; the same mark twice is one. A new array; bounded. */
export function withFlag(flags: readonly Flag[], flag: Flag): readonly Flag[] {
    if (flags.some((f) => f.t === flag.t && f.text === flag.text)) return flags;
    return [...flags, flag].sort((a, b) => a.t - b.t).slice(-FLAGS_MOST);
}
