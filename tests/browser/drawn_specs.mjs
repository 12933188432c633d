/* Fixed data for every kind of drawn chart: ordinary, and what a hostile host could make of it. */

const T0 = Date.UTC(2026, 10, 29, 12, 0, 0);

/* The same numbers in every run. */
function noise(seed) {
    let s = seed;
    return () => {
        s = (s * 1664525 + 1013904223) >>> 0;
        return s / 2 ** 32;
    };
}

const PROGRAMS = [
    "curl",
    "postgres",
    "sshd",
    "nginx: worker process",
    "systemd-resolved",
    "chronyd",
    "containerd",
];

export function bar(tick = 0) {
    const r = noise(7 + tick);
    return {
        kind: "bar",
        key: "bar",
        title: "Busiest programs",
        subtitle: "ebpf",
        measure: "bytes/s",
        bars: PROGRAMS.map((name, i) => ({
            name,
            key: `program-${i}`,
            parts: [
                {
                    name: "receive",
                    tone: "receive",
                    value: (9e6 / (i + 1) ** 1.7) * (0.9 + 0.2 * r()),
                },
                {
                    name: "transmit",
                    tone: "transmit",
                    value: (4e6 / (i + 1) ** 1.5) * (0.9 + 0.2 * r()),
                },
            ],
            ...(i === 0 ? { note: "3 sockets" } : {}),
        })),
    };
}

export function gauge(tick = 0) {
    return {
        kind: "gauge",
        key: "gauge",
        title: "Connections tracked",
        subtitle: "nf_conntrack",
        measure: "count",
        value: 187_204 + tick * 900,
        most: 262_144,
        limits: [
            { value: 200_000, tone: "warning" },
            { value: 249_000, tone: "critical" },
        ],
    };
}

const EDGES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, Infinity];

export function heatmap(tick = 0) {
    const steps = 90;
    const r = noise(11);
    const counts = new Float64Array(steps * EDGES.length);
    for (let s = 0; s < steps; s++)
        for (let b = 0; b < EDGES.length; b++) {
            const middle = 4 + 1.6 * Math.sin(s / 11) + (s > 60 && s < 70 ? 3 : 0);
            const missing = s >= 20 && s < 27;
            counts[s * EDGES.length + b] = missing
                ? NaN
                : Math.round(160 * Math.exp(-((b - middle) ** 2) / 2.2) * (0.7 + 0.6 * r()));
        }
    return {
        kind: "heatmap",
        key: "heatmap",
        title: "Round trips",
        subtitle: "ebpf, tcp_rcv_established",
        measure: "seconds",
        counted: "samples",
        fromMs: T0 + tick * 10_000,
        stepMs: 10_000,
        steps,
        edges: EDGES,
        counts,
    };
}

export function histogram() {
    return {
        kind: "histogram",
        key: "histogram",
        title: "Connect time",
        subtitle: "ebpf, the last hour",
        measure: "seconds",
        counted: "connections",
        edges: [0, ...EDGES],
        series: [
            {
                name: "out",
                tone: "category-1",
                counts: [0, 12, 55, 140, 310, 280, 120, 60, 22, 9, 3, 1],
            },
        ],
        marks: [
            { name: "p50", value: 0.0018 },
            { name: "p99", value: 0.061 },
        ],
    };
}

export function histogramOfTwo() {
    return {
        ...histogram(),
        key: "histogram-two",
        title: "Bytes of a connection",
        measure: "bytes",
        edges: [0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9],
        series: [
            { name: "receive", tone: "receive", counts: [40, 220, 510, 300, 180, 90, 30, 4] },
            { name: "transmit", tone: "transmit", counts: [10, 420, 610, 200, 80, 20, 6, 1] },
        ],
        marks: [],
    };
}

export function scatter(n = 60) {
    const r = noise(23);
    const group = (name, tone, from, spread) => ({
        name,
        tone,
        points: Array.from({ length: n }, (_, i) => ({
            x: i % 17 === 0 ? 0 : from * 10 ** (spread * r()),
            y: 1e3 * 10 ** (4 * r()),
            title: `${name} 10.0.0.${i}:443`,
            key: `${name}-${i}`,
        })),
    });
    return {
        kind: "scatter",
        key: "scatter",
        title: "Connections",
        subtitle: "sock_diag",
        x: { title: "round trip", measure: "seconds", log: true },
        y: { title: "rate", measure: "bytes/s", log: true },
        groups: [group("tcp", "category-1", 2e-4, 3), group("quic", "category-2", 1e-3, 2)],
    };
}

export function sankey(tick = 0) {
    const r = noise(31 + tick);
    const node = (id, name, column, tone) => ({ id, name, column, tone, key: `node-${id}` });
    const link = (from, to, value, note) => ({
        from,
        to,
        value: value * (0.9 + 0.2 * r()),
        ...(note ? { note } : {}),
    });
    return {
        kind: "sankey",
        key: "sankey",
        title: "Who talks to whom",
        subtitle: "ebpf",
        measure: "bytes/s",
        nodes: [
            node("curl", "curl", 0, "category-1"),
            node("postgres", "postgres", 0, "category-2"),
            node("nginx", "nginx: worker process", 0, "category-3"),
            node("eth0", "eth0", 1, "category-4"),
            node("lo", "lo", 1, "category-4"),
            node("a", "93.184.216.34", 2, "category-4"),
            node("b", "10.1.2.3", 2, "category-4"),
            node("c", "2001:db8::1", 2, "category-4"),
            node("d", "127.0.0.1", 2, "category-4"),
        ],
        links: [
            link("curl", "eth0", 5e6),
            link("postgres", "lo", 2e6),
            link("nginx", "eth0", 3e6),
            link("nginx", "lo", 1e6, "upstream"),
            link("eth0", "a", 5e6),
            link("eth0", "b", 2e6),
            link("eth0", "c", 1e6),
            link("lo", "d", 3e6),
        ],
    };
}

export function timeline() {
    const span = (from, to, state, tone, note) => ({
        fromMs: T0 + from * 60_000,
        toMs: T0 + to * 60_000,
        state,
        tone,
        ...(note ? { note } : {}),
    });
    return {
        kind: "timeline",
        key: "timeline",
        title: "Links",
        subtitle: "rtnetlink",
        fromMs: T0,
        toMs: T0 + 60 * 60_000,
        rows: [
            {
                name: "eth0",
                key: "device-eth0",
                spans: [
                    span(0, 22, "up", "good"),
                    span(22, 23, "down", "critical", "carrier lost"),
                    span(23, 60, "up", "good"),
                ],
            },
            {
                name: "wlan0",
                key: "device-wlan0",
                spans: [
                    span(-5, 10, "up", "good"),
                    span(10, 31, "dormant", "warning"),
                    span(31, 60, "up", "good"),
                ],
            },
            {
                name: "docker0",
                spans: [span(0, 40, "down", "rest"), span(40, 60, "up", "good")],
            },
            {
                name: "wg0",
                spans: [
                    span(0, 12, "unknown", "unknown"),
                    span(12, 35, "up", "good"),
                    span(35, 35.02, "down", "critical"),
                    span(35.02, 70, "up", "good"),
                ],
            },
        ],
    };
}

export function calendar() {
    const r = noise(43);
    const values = new Float64Array(168);
    const samples = new Float64Array(168);
    for (let day = 0; day < 7; day++)
        for (let hour = 0; hour < 24; hour++) {
            const i = day * 24 + hour;
            const work = day < 5 ? Math.exp(-((hour - 14) ** 2) / 18) : 0.12;
            values[i] = 4e6 * work * (0.8 + 0.4 * r()) + 1e5;
            samples[i] = day === 6 && hour > 17 ? 0 : 4;
        }
    values[3] = 0;
    return {
        kind: "calendar",
        key: "calendar",
        title: "Usual week",
        subtitle: "eth0, received, four weeks",
        measure: "bytes/s",
        values,
        samples,
    };
}

export const ORDINARY = {
    bar,
    gauge,
    heatmap,
    histogram,
    histogramOfTwo,
    scatter,
    sankey,
    timeline,
    calendar,
};

/* ---- hostile --------------------------------------------------------------------------------- */

export const EVIL = "<script>alert(1)</script>\"'&\u0000\u202e{a|b}";
const NAMES = [
    EVIL,
    "x".repeat(300),
    "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "👩‍👩‍👧‍👦🚀",
    "two\nlines",
    "same",
    "same",
    "\ud800",
];
const VALUES = [1e15, 5, NaN, Infinity, -3, 0, 1e-9, 7];

export const HOSTILE = {
    "bar": {
        ...bar(),
        subtitle: EVIL,
        bars: NAMES.map((name, i) => ({
            name,
            key: name,
            parts: [
                { name: EVIL, tone: "receive", value: VALUES[i] },
                { name: "remainder", tone: "category-4", value: -1e14 },
            ],
            note: EVIL,
        })),
    },
    "bar-many": {
        ...bar(),
        bars: Array.from({ length: 10_000 }, (_, i) => ({
            name: `p${i}`,
            parts: [{ name: "a", tone: "receive", value: i }],
        })),
    },
    "bar-none": { ...bar(), bars: [] },
    "gauge": { ...gauge(), value: 1e15, most: 0, limits: [{ value: NaN, tone: "critical" }] },
    "gauge-none": { ...gauge(), value: NaN },
    "gauge-infinite": { ...gauge(), value: 5, most: Infinity },
    "gauge-below": { ...gauge(), value: -5 },
    "heatmap-many": {
        ...heatmap(),
        steps: 10_000,
        counts: Float64Array.from({ length: 10_000 * EDGES.length }, (_, i) =>
            i % 97 === 0 ? NaN : i % 53,
        ),
    },
    "heatmap-none": { ...heatmap(), steps: 0, counts: new Float64Array(0) },
    "heatmap-no-rows": { ...heatmap(), edges: [], counts: new Float64Array(0) },
    "heatmap-equal": { ...heatmap(), steps: 1, counts: new Float64Array(EDGES.length).fill(1e15) },
    "heatmap-infinite": {
        ...heatmap(),
        steps: 1,
        counts: new Float64Array(EDGES.length).fill(Infinity),
    },
    "histogram": {
        ...histogram(),
        series: NAMES.map((name) => ({ name, tone: "category-1", counts: VALUES })),
        marks: NAMES.map((name, i) => ({ name, value: 0.001 * i })),
    },
    "histogram-none": { ...histogram(), edges: [], series: [] },
    "scatter-many": scatter(5_000),
    "scatter": {
        ...scatter(),
        groups: [
            {
                name: EVIL,
                tone: "category-1",
                points: NAMES.map((title, i) => ({
                    x: VALUES[i],
                    y: VALUES[7 - i],
                    title,
                    key: title,
                })),
            },
            { name: "same", tone: "category-2", points: [] },
        ],
    },
    "scatter-equal": {
        ...scatter(),
        x: { title: "x", measure: "count" },
        y: { title: "y", measure: "count" },
        groups: [{ name: "one", tone: "category-1", points: [{ x: 0, y: 0, title: "zero" }] }],
    },
    "sankey": {
        ...sankey(),
        nodes: NAMES.map((name, i) => ({
            id: name,
            name,
            column: i % 3,
            tone: "category-1",
            key: name,
        })),
        links: [
            ...NAMES.flatMap((from, i) =>
                NAMES.map((to, k) => ({ from, to, value: VALUES[(i + k) % 8] })),
            ),
            { from: "nowhere", to: EVIL, value: 1 },
        ],
    },
    "sankey-none": { ...sankey(), nodes: [], links: [] },
    "sankey-cycle": {
        ...sankey(),
        nodes: [
            { id: "a", name: "a", column: 0, tone: "category-1" },
            { id: "b", name: "b", column: 1, tone: "category-2" },
        ],
        links: [
            { from: "a", to: "b", value: 2 },
            { from: "b", to: "a", value: 1 },
            { from: "a", to: "a", value: 1 },
        ],
    },
    "timeline": {
        ...timeline(),
        rows: NAMES.map((name) => ({
            name,
            key: name,
            spans: [
                { fromMs: -Infinity, toMs: T0 + 60_000, state: EVIL, tone: "critical" },
                { fromMs: T0 + 9e9, toMs: T0, state: "turned around", tone: "good" },
                { fromMs: NaN, toMs: NaN, state: "never", tone: "unknown" },
            ],
        })),
    },
    "timeline-many": {
        ...timeline(),
        rows: Array.from({ length: 100 }, (_, r) => ({
            name: `row ${r}`,
            spans: Array.from({ length: 100 }, (_, i) => ({
                fromMs: T0 + i * 36_000,
                toMs: T0 + i * 36_000 + 30_000,
                state: "s",
                tone: "warning",
            })),
        })),
    },
    "timeline-none": { ...timeline(), rows: [] },
    "calendar": { ...calendar(), values: new Float64Array(168).fill(1e15) },
    "calendar-odd": {
        ...calendar(),
        values: Float64Array.from({ length: 100 }, (_, i) => VALUES[i % 8]),
        samples: new Float64Array(168).fill(1),
    },
    "calendar-none": { ...calendar(), samples: new Float64Array(168) },
};
for (const [key, spec] of Object.entries(HOSTILE)) spec.key = `hostile-${key}`;
