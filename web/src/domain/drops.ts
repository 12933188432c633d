/*
 * Where packets die: what each place between the wire and the program has thrown away in the window,
 * from the direction over the place to the reason, as a Sankey diagram has it.
 *
 * The kernel's own reasons (skb_drop_reason) are a second account of partly the same packets, so they
 * stand beside the places and are never added to them.
 */
import type { SankeySpec } from "./data-spec";

interface Series {
    id: number;
    name: string;
    labels: Readonly<Record<string, string>>;
}

type Root = "arriving" | "leaving" | "kernel";

interface Place {
    root: Root;
    place: string;
    reason(labels: Readonly<Record<string, string>>): string;
}

const device = (what: string) => (labels: Readonly<Record<string, string>>) =>
    `${labels["device"] ?? ""} ${what}`.trim();
const always = (what: string) => () => what;

const CARD = "network card";
const QUEUE = "queue discipline";
const BACKLOG = "kernel backlog";
const TRACKING = "connection tracking";
const LISTEN = "listen queue";
const BUFFERS = "socket buffers";
const FREED = "kernel’s own reasons";

const PLACES: Readonly<Record<string, Place>> = {
    node_network_receive_drop_total: { root: "arriving", place: CARD, reason: device("drops in") },
    node_network_receive_errs_total: { root: "arriving", place: CARD, reason: device("errors in") },
    node_softnet_dropped_total: {
        root: "arriving",
        place: BACKLOG,
        reason: (labels) => `CPU ${labels["cpu"] ?? "?"}`,
    },
    node_nf_conntrack_stat_drop: { root: "arriving", place: TRACKING, reason: always("table full") },
    node_nf_conntrack_stat_early_drop: {
        root: "arriving",
        place: TRACKING,
        reason: always("entries given up early"),
    },
    node_nf_conntrack_stat_insert_failed: {
        root: "arriving",
        place: TRACKING,
        reason: always("not inserted"),
    },
    node_netstat_TcpExt_ListenDrops: {
        root: "arriving",
        place: LISTEN,
        reason: always("connections not taken"),
    },
    node_netstat_TcpExt_TCPBacklogDrop: {
        root: "arriving",
        place: BUFFERS,
        reason: always("TCP backlog"),
    },
    node_netstat_TcpExt_TCPRcvQDrop: {
        root: "arriving",
        place: BUFFERS,
        reason: always("TCP receive queue"),
    },
    node_netstat_Udp_RcvbufErrors: { root: "arriving", place: BUFFERS, reason: always("UDP receive") },
    node_netstat_Udp6_RcvbufErrors: {
        root: "arriving",
        place: BUFFERS,
        reason: always("UDP receive"),
    },
    node_qdisc_drops_total: { root: "leaving", place: QUEUE, reason: device("queue") },
    node_network_transmit_drop_total: { root: "leaving", place: CARD, reason: device("drops out") },
    node_network_transmit_errs_total: { root: "leaving", place: CARD, reason: device("errors out") },
    node_netstat_Udp_SndbufErrors: { root: "leaving", place: BUFFERS, reason: always("UDP send") },
    node_netstat_Udp6_SndbufErrors: { root: "leaving", place: BUFFERS, reason: always("UDP send") },
    netsonde_packet_drops_total: {
        root: "kernel",
        place: FREED,
        reason: (labels) => (labels["reason"] ?? "unknown").replaceAll("_", " "),
    },
};

export const DROP_METRICS: readonly string[] = Object.keys(PLACES);

/*
 * Reasons that every healthy host has: segments of connections that are over, questions to ports where
 * nobody listens, queues of closed sockets. They are shown, and the sentence does not count them.
 */
const USUAL = new Set([
    "queue purge",
    "not specified",
    "socket close",
    "no socket",
    "tcp old data",
    "tcp old sequence",
    "tcp close",
    "tcp abort on data",
    "tcp rfc7323 tw paws",
    "tcp reset",
    "unhandled proto",
]);

const ROOTS: Record<Root, { name: string; tone: "receive" | "transmit" | "category-4" }> = {
    arriving: { name: "arriving", tone: "receive" },
    leaving: { name: "leaving", tone: "transmit" },
    kernel: { name: "freed by the kernel", tone: "category-4" },
};

const REASONS_MOST = 16;

export interface Drops {
    nodes: SankeySpec["nodes"];
    links: SankeySpec["links"];
    lost: number; // packets at the places, without the kernel's own account
    worst: { place: string; reason: string; packets: number } | undefined;
}

/* amount: how many packets the series counted in the window. */
export function dropsOf(series: Iterable<Series>, amount: (id: number) => number): Drops {
    const found = new Map<string, { root: Root; place: string; reason: string; packets: number }>();
    for (const s of series) {
        const place = PLACES[s.name];
        const packets = place ? Math.round(amount(s.id)) : 0;
        if (!place || !(packets > 0)) continue;
        const reason = place.reason(s.labels);
        const key = `${place.root}|${place.place}|${reason}`;
        const before = found.get(key)?.packets ?? 0;
        found.set(key, { root: place.root, place: place.place, reason, packets: before + packets });
    }
    const all = [...found.values()].sort((a, b) => b.packets - a.packets);
    const counted = all.filter((d) => d.root !== "kernel");
    return {
        ...diagram(folded(all)),
        lost: counted.reduce((sum, d) => sum + d.packets, 0),
        worst: counted[0],
    };
}

type Drop = { root: Root; place: string; reason: string; packets: number };

/* The largest have a line of their own; the rest of each place is one. */
function folded(all: readonly Drop[]): Drop[] {
    const kept = all.slice(0, REASONS_MOST);
    const rest = new Map<string, Drop>();
    for (const d of all.slice(REASONS_MOST)) {
        const key = `${d.root}|${d.place}`;
        const before = rest.get(key)?.packets ?? 0;
        rest.set(key, { ...d, reason: "other", packets: before + d.packets });
    }
    return [...kept, ...rest.values()];
}

function diagram(drops: readonly Drop[]): Pick<Drops, "nodes" | "links"> {
    const nodes = new Map<string, SankeySpec["nodes"][number]>();
    const links = new Map<string, { from: string; to: string; value: number }>();
    const add = (from: string, to: string, value: number) => {
        const key = `${from}\n${to}`;
        links.set(key, { from, to, value: (links.get(key)?.value ?? 0) + value });
    };
    for (const { root, place, reason, packets } of drops) {
        const { name, tone } = ROOTS[root];
        const at = `${root}/${place}`;
        const why = `${at}/${reason}`;
        nodes.set(root, { id: root, name, column: 0, tone });
        nodes.set(at, { id: at, name: place, column: 1, tone });
        const usual = root === "kernel" && USUAL.has(reason);
        nodes.set(why, { id: why, name: reason, column: 2, tone: usual ? "good" : "warning" });
        add(root, at, packets);
        add(at, why, packets);
    }
    return { nodes: [...nodes.values()], links: [...links.values()] };
}
