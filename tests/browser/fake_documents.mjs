/*
 * Baselines, comparisons and benchmarks as a test wants them, in front of a real server: weeks of
 * comparisons, runs on other machines and hostile names can be shown in a moment. Everything else of
 * the page is real.
 */
const NOW = () => Date.now();
const HOUR = 3_600_000;

export const side = (mean, n = 60) => ({
    n,
    mean,
    sigma: mean / 10,
    p50: mean,
    p90: mean * 1.2,
    p99: mean * 1.4,
});

export function changeOf(name, verdict, before, after, more = {}) {
    const measured = verdict !== "not_enough_data";
    return {
        name,
        labels: { device: "eth0" },
        unit: "packets",
        direction: verdict === "changed" ? "neither" : "lower_is_better",
        verdict,
        before: side(before),
        after: side(after, measured ? 60 : 4),
        change_pct: before > 0 && measured ? (after / before - 1) * 100 : null,
        effect: measured ? (after > before ? 0.9 : after < before ? -0.8 : 0) : null,
        p: measured ? 0.0001 : null,
        q: measured ? (verdict === "unchanged" ? 0.6 : 0.004) : null,
        ...more,
    };
}

const ORDER = ["regressed", "improved", "changed", "unchanged", "not_enough_data"];

export function comparisonOf(metrics, more = {}) {
    const counts = Object.fromEntries(
        ORDER.map((v) => [v, metrics.filter((m) => m.verdict === v).length]),
    );
    const verdict = counts.regressed
        ? "regressed"
        : counts.improved
          ? "improved"
          : counts.changed || counts.unchanged
            ? "unchanged"
            : "not_enough_data";
    const t = more.t ?? NOW();
    return {
        baseline: "before",
        t,
        from_ms: t - HOUR,
        to_ms: t,
        reason: "asked",
        verdict,
        counts,
        metrics,
        ...more,
    };
}

export const EXAMPLE = [
    changeOf("node_network_receive_errs_total", "regressed", 0.2, 4.4),
    changeOf("netsonde_tcp_rtt_seconds", "regressed", 0.012, 0.019, {
        unit: "seconds",
        labels: {},
    }),
    changeOf("node_netstat_Tcp_RetransSegs", "improved", 12, 5, { labels: {}, unit: "segments" }),
    changeOf("node_network_receive_bytes_total", "changed", 1.2e6, 3.1e6, { unit: "bytes" }),
    changeOf("node_network_transmit_bytes_total", "changed", 4e5, 2e5, { unit: "bytes" }),
    changeOf("node_network_receive_drop_total", "unchanged", 0, 0),
    changeOf("node_sockstat_TCP_alloc", "unchanged", 31, 32, { labels: {}, unit: "sockets" }),
    changeOf("netsonde_dns_lookup_seconds", "not_enough_data", 0.02, 0.02, {
        unit: "seconds",
        labels: {},
    }),
];

/* Three weeks of hourly comparisons in which something got better and then worse. */
export function historyOf(count = 200, baseline = "before") {
    return Array.from({ length: count }, (_, i) => {
        const age = count - i;
        const worse = age > 120 ? 6 : age > 40 ? 1 : age > 10 ? 0 : 3;
        const better = age > 60 ? 0 : 4;
        const t = NOW() - age * HOUR;
        return {
            baseline,
            t,
            from_ms: t - HOUR,
            to_ms: t,
            reason: i % 24 === 0 ? "start" : "hourly",
            verdict: worse ? "regressed" : better ? "improved" : "unchanged",
            counts: {
                regressed: worse,
                improved: better,
                changed: 3,
                unchanged: 38 - worse - better,
                not_enough_data: 2,
            },
            worst: worse ? EXAMPLE.slice(0, 2) : [],
        };
    }).reverse();
}

export function baselineOf(name, more = {}) {
    return {
        name,
        kind: "saved",
        comment: "",
        made_ms: NOW() - 48 * HOUR,
        from_ms: NOW() - 49 * HOUR,
        to_ms: NOW() - 48 * HOUR,
        series_count: 312,
        blocks: 60,
        ...more,
    };
}

const AUTO = { kind: "automatic", made_ms: null, from_ms: null, to_ms: null, blocks: 180 };

export const MACHINE = {
    cpu: "AMD EPYC 7B13",
    cores: 2,
    memory_bytes: 8 * 2 ** 30,
    kernel: "6.1.0-28",
    os: "Debian 12",
    governor: "unknown",
    virtual: "kvm",
};

/* A run of `bench fanout`: `factor` makes it slower or faster than the first. */
export function runOf(t, factor = 1, more = {}) {
    const stamp = new Date(t).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
    const results = [];
    for (const clients of [1, 10, 100, 1000, 10_000]) {
        const load = 0.4 + clients / 900;
        const labels = { clients: String(clients) };
        const put = (name, value, unit, kind, better = "lower") =>
            results.push({ name, labels, value: Number(value.toPrecision(4)), unit, kind, better });
        put("p50_ms", load * factor, "ms", "duration");
        put("p99_ms", load * 2.1 * factor, "ms", "duration");
        put("rss_bytes", 9e6 + 900 * clients, "bytes", "memory");
        put("cpu_us_per_message", 6.4 * factor, "µs", "cpu");
    }
    return {
        id: `fanout-${stamp}`,
        subject: "fanout",
        t,
        version: "0.1.0",
        machine: MACHINE,
        settings: { message_bytes: 1024, seconds: 10, backend: "io_uring" },
        state: "done",
        progress: 1,
        results,
        ...more,
    };
}

export class FakeDocuments {
    baselines = [baselineOf("before"), baselineOf("auto", AUTO)];
    comparison = () => comparisonOf(EXAMPLE);
    comparisons = historyOf();
    benchmarks = [];
    requests = []; // what changes something, and which comparisons were asked for
    refusal = undefined; // {status, message, field} of the next change
    failing = undefined; // status of every read
    admin = true;
    delay = undefined; // a promise that every read waits for
    #streams = new Set();
    #seq = NOW();

    static async before(context) {
        const fake = new FakeDocuments();
        await context.route(/\/api\/v1\/(baselines|comparisons|benchmarks)(\/|\?|$)/, (r) =>
            fake.#answer(r),
        );
        await context.route(/\/api\/v1\/info$/, async (route) => {
            const answer = await route.fetch();
            const role = fake.admin ? "admin" : "viewer";
            await route.fulfill({ json: { ...(await answer.json()), role } });
        });
        await context.routeWebSocket(/api\/v1\/stream/, (socket) => fake.#stream(socket));
        return fake;
    }

    tellComparison(c) {
        this.#send("baseline", { type: "baseline", seq: ++this.#seq, ...c });
    }

    tellBenchmark(run) {
        const others = this.benchmarks.filter((b) => b.id !== run.id);
        this.benchmarks = [run, ...others];
        this.#send("benchmark", {
            type: "benchmark",
            seq: ++this.#seq,
            t: NOW(),
            benchmark: run,
        });
    }

    listening(channel) {
        return [...this.#streams].some((s) => s.channels.has(channel));
    }

    #send(channel, message) {
        for (const s of this.#streams)
            if (s.channels.has(channel)) s.socket.send(JSON.stringify(message));
    }

    #stream(socket) {
        const stream = { socket, channels: new Set() };
        this.#streams.add(stream);
        const server = socket.connectToServer();
        socket.onMessage((text) => {
            const m = JSON.parse(text);
            if (m.channel !== "baseline" && m.channel !== "benchmark") {
                server.send(text);
                return;
            }
            if (m.op === "subscribe") stream.channels.add(m.channel);
            else stream.channels.delete(m.channel);
            socket.send(JSON.stringify({ type: "ok", id: m.id }));
        });
        server.onMessage((text) => {
            if (!String(text).startsWith('{"type":"hello"')) {
                socket.send(text);
                return;
            }
            const hello = JSON.parse(text);
            hello.channels = [...new Set([...hello.channels, "baseline", "benchmark"])];
            socket.send(JSON.stringify(hello));
        });
        socket.onClose(() => {
            this.#streams.delete(stream);
            server.close();
        });
    }

    async #answer(route) {
        const request = route.request();
        const url = new URL(request.url());
        const path = url.pathname.replace(/^.*\/api\/v1\//, "");
        const method = request.method();
        if (method === "GET") {
            await this.delay;
            return this.#read(route, path, url.searchParams);
        }
        const body = request.postData() ? request.postDataJSON() : undefined;
        this.requests.push({ method, path, body, type: request.headers()["content-type"] });
        const refused = this.refusal;
        this.refusal = undefined;
        if (refused) {
            const { status, message, field } = refused;
            return route.fulfill({ status, json: { error: { code: "refused", message, field } } });
        }
        const name = decodeURIComponent(path.split("/")[1] ?? "");
        if (method === "DELETE") {
            this.baselines = this.baselines.filter((b) => b.name !== name);
            return route.fulfill({ status: 204, body: "" });
        }
        const made = baselineOf(body.name, { comment: body.comment, made_ms: NOW() });
        this.baselines = [...this.baselines.filter((b) => b.name !== body.name), made];
        return route.fulfill({ status: 201, json: made });
    }

    #read(route, path, query) {
        if (this.failing) {
            const error = { code: "unavailable", message: "the history cannot be read" };
            return route.fulfill({ status: this.failing, json: { error } });
        }
        const [what, name, part] = path.split("/").map(decodeURIComponent);
        if (part === "comparison") {
            this.requests.push({ method: "GET", path, query: Object.fromEntries(query) });
            const answer = this.comparison(name, query);
            return route.fulfill({ json: { ...answer, baseline: name } });
        }
        const limit = Number(query.get("limit") ?? 100);
        if (what === "benchmarks") {
            const subject = query.get("subject");
            const list = this.benchmarks
                .filter((b) => !subject || b.subject === subject)
                .sort((a, b) => b.t - a.t);
            return route.fulfill({ json: { benchmarks: list.slice(0, limit) } });
        }
        if (what === "comparisons")
            return route.fulfill({ json: { comparisons: this.comparisons.slice(0, limit) } });
        return route.fulfill({ json: { baselines: this.baselines } });
    }
}
