/* A network interface as table "interfaces" describes it, and what is asked about many of them. */
export interface Interface {
    id: number;
    device: string;
    kind: string;
    state: string;
    speedBps: number | undefined;
    mtu: number | undefined;
    addresses: readonly string[];
    rxBytes: number; // NaN where unknown, here and below
    txBytes: number;
    rxRate: number;
    txRate: number;
    rxPackets: number;
    txPackets: number;
    errors: number;
    drops: number;
    container: string; // that its other end is in; "" for none, or not known
}

/* One row, its cells found by the names of the columns; undefined without an id or a device. */
export function interfaceFrom(
    columns: readonly string[],
    row: readonly unknown[],
): Interface | undefined {
    const cell = (name: string) => row[columns.indexOf(name)];
    const number = (name: string) => {
        const v = cell(name);
        return typeof v === "number" ? v : NaN;
    };
    const known = (name: string) => {
        const v = number(name);
        return Number.isNaN(v) ? undefined : v;
    };
    const word = (name: string) => {
        const v = cell(name);
        return typeof v === "string" ? v : "";
    };
    const id = known("id");
    const device = word("device");
    if (id === undefined || device === "") return undefined;
    const addresses = cell("addresses");
    return {
        id,
        device,
        kind: word("kind"),
        state: word("state"),
        speedBps: known("speed_bps"),
        mtu: known("mtu"),
        addresses: Array.isArray(addresses)
            ? addresses.filter((a): a is string => typeof a === "string")
            : [],
        rxBytes: number("rx_bytes"),
        txBytes: number("tx_bytes"),
        rxRate: number("rx_rate"),
        txRate: number("tx_rate"),
        rxPackets: number("rx_packets"),
        txPackets: number("tx_packets"),
        errors: number("errors"),
        drops: number("drops"),
        container: word("container"),
    };
}

const PHYSICAL = new Set(["physical", "ethernet", "wireless", "wifi", "wlan", "wwan", "cellular"]);

export function isLoopback(i: Interface): boolean {
    return i.kind === "loopback" || i.device === "lo";
}

export function isPhysical(i: Interface): boolean {
    return PHYSICAL.has(i.kind);
}

/*
 * The devices whose sum is the host's traffic. A bridge, a tunnel or a veth repeats what a physical
 * interface has counted already, so only those count; a host without any (a container) counts
 * everything but loopback, and one with nothing else that.
 */
export interface Total {
    devices: string[];
    kind: "physical" | "virtual" | "loopback";
}

export function totalDevices(all: Iterable<Interface>): Total {
    const list = [...all];
    const of = (kind: Total["kind"], which: (i: Interface) => boolean): Total => {
        const names = list.filter(which).map((i) => i.device);
        return { devices: names.sort(byName), kind };
    };
    const physical = of("physical", isPhysical);
    if (physical.devices.length) return physical;
    const others = of("virtual", (i) => !isLoopback(i));
    return others.devices.length ? others : of("loopback", isLoopback);
}

/* What it is, and where it leads. */
export function kindText(i: Interface): string {
    return i.container === "" ? i.kind : `${i.kind}, other end in ${i.container}`;
}

/* The kernel's names are kept where they are words; one is none. */
export function stateText(state: string): string {
    return state === "lowerlayerdown" ? "lower down" : state;
}

export type Health = "good" | "warning" | "unknown";

/* "down" is worth a mark only where a cable should be; a virtual link that is down is at rest. */
export function healthOf(i: Interface): Health {
    if (i.state === "up" || i.state === "" || isLoopback(i)) return "good";
    if (i.state === "unknown") return i.kind === "" ? "unknown" : "good";
    return isPhysical(i) ? "warning" : "good";
}

/* eth2 before eth10. */
export function byName(a: string, b: string): number {
    return a.localeCompare(b, "en", { numeric: true });
}

export type SortKey =
    | "device"
    | "state"
    | "speed"
    | "rx_rate"
    | "tx_rate"
    | "rx_bytes"
    | "tx_bytes"
    | "errors"
    | "drops";

export interface Sort {
    key: SortKey;
    descending: boolean;
}

const NUMBERS: Partial<Record<SortKey, (i: Interface) => number>> = {
    speed: (i) => i.speedBps ?? NaN,
    rx_rate: (i) => i.rxRate,
    tx_rate: (i) => i.txRate,
    rx_bytes: (i) => i.rxBytes,
    tx_bytes: (i) => i.txBytes,
    errors: (i) => i.errors,
    drops: (i) => i.drops,
};

export const DEFAULT_SORT: Sort = { key: "device", descending: false };

/* `sort=-rx_rate` in the address, as in the HTTP interface. */
export function parseSort(text: string | null): Sort {
    const key = (text ?? "").replace(/^-/, "");
    if (key === "device" || key === "state" || Object.hasOwn(NUMBERS, key))
        return { key: key as SortKey, descending: text!.startsWith("-") };
    return DEFAULT_SORT;
}

export function sortText(s: Sort): string {
    return (s.descending ? "-" : "") + s.key;
}

/* A new array; equal rows by name; unknown values always last. */
export function sorted(all: Iterable<Interface>, sort: Sort): Interface[] {
    const sign = sort.descending ? -1 : 1;
    const value = NUMBERS[sort.key];
    return [...all].sort((a, b) => {
        let order = 0;
        if (value) {
            const x = value(a);
            const y = value(b);
            if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
            order = (x - y || 0) * sign;
        } else if (sort.key === "state") order = byName(a.state, b.state) * sign;
        else return byName(a.device, b.device) * sign;
        return order || byName(a.device, b.device);
    });
}

/* Every word must occur in the name, the kind, the state, an address or the container. */
export function matchesWords(i: Interface, words: string): boolean {
    const hay = [i.device, i.kind, i.state, ...i.addresses, i.container].join(" ").toLowerCase();
    return words
        .toLowerCase()
        .split(/\s+/)
        .every((w) => hay.includes(w));
}
