/*
 * Alerts as a test wants them, in front of a real server: everything else of the page is real. The
 * alert routes are answered here and the alert channels of the stream are served here, so that states
 * that take hours, floods and hostile names can be shown in a moment.
 */
const NOW = () => Date.now();

export function alertOf(id, more = {}) {
    const started = more.started ?? NOW() - 180_000;
    return {
        id,
        seq: id,
        rule: "interface_errors",
        state: "firing",
        severity: "warning",
        reason: "threshold",
        value: 12.5,
        threshold: 1,
        z: null,
        unit: "packets/s",
        series: 'node_network_receive_errs_total{device="eth0"}',
        series_id: 0,
        summary: "eth0 receives packets with errors: 12.5 a second",
        changed: started,
        pending: started - 10_000,
        started,
        resolved: null,
        by: null,
        silence: null,
        inhibited_by: null,
        ...more,
    };
}

export function ruleOf(name, more = {}) {
    return {
        name,
        enabled: true,
        metric: "node_network_receive_errs_total",
        severity: "warning",
        warning: 1,
        source: "default",
        status: { matched: 2, active: 0, note: "" },
        ...more,
    };
}

export function channelOf(name, more = {}) {
    return {
        name,
        type: name,
        target: "",
        fallback: "",
        default: true,
        sent: 3,
        failed: 0,
        retried: 0,
        fell_back: 0,
        dropped: 0,
        held_back: 0,
        queued: 0,
        last: NOW() - 60_000,
        last_error: "",
        ...more,
    };
}

export class FakeAlerts {
    active = [];
    past = [];
    silences = [];
    channels = [channelOf("websocket"), channelOf("log")];
    rules = [ruleOf("interface_errors")];
    requests = []; // what changes something: {method, path, body}
    refusal = undefined; // {status, message, field} of the next change
    admin = true;
    backTest = undefined;
    anomalies = () => [];
    #streams = new Set();
    #seq = 1000;

    static async before(context) {
        const fake = new FakeAlerts();
        const paths = "alerts|silences|channels|rules|anomalies";
        await context.route(new RegExp(`/api/v1/(${paths})(/|\\?|$)`), (r) => fake.#answer(r));
        await context.route(/\/api\/v1\/info$/, async (route) => {
            const answer = await route.fetch();
            const role = fake.admin ? "admin" : "viewer";
            await route.fulfill({ json: { ...(await answer.json()), role } });
        });
        await context.routeWebSocket(/api\/v1\/stream/, (socket) => fake.#stream(socket));
        return fake;
    }

    /* What is active now goes to every page. */
    state(active = this.active) {
        this.active = active;
        this.#send(this.#stateMessage());
    }

    /* A message as the channel `websocket` lets it through. */
    tell(alert, more = {}) {
        this.#send({ type: "alert", t: NOW(), suppressed: 0, ...alert, seq: ++this.#seq, ...more });
    }

    anomaly(values) {
        this.#send({ type: "anomalies", seq: ++this.#seq, t: NOW(), values }, "anomalies");
    }

    raw(text) {
        for (const { socket } of this.#streams) socket.send(text);
    }

    #stateMessage() {
        return {
            type: "alert_state",
            seq: ++this.#seq,
            t: NOW(),
            total: this.active.length,
            alerts: this.active.slice(0, 500),
        };
    }

    #send(message, channel = "alerts") {
        for (const s of this.#streams)
            if (s.channels.has(channel)) s.socket.send(JSON.stringify(message));
    }

    #stream(socket) {
        const stream = { socket, channels: new Set() };
        this.#streams.add(stream);
        const server = socket.connectToServer();
        socket.onMessage((text) => {
            const m = JSON.parse(text);
            if (m.channel !== "alerts" && m.channel !== "anomalies") {
                server.send(text);
                return;
            }
            if (m.op === "subscribe") stream.channels.add(m.channel);
            else stream.channels.delete(m.channel);
            socket.send(JSON.stringify({ type: "ok", id: m.id }));
            if (m.op === "subscribe" && m.channel === "alerts")
                socket.send(JSON.stringify(this.#stateMessage()));
        });
        server.onMessage((text) => {
            if (!String(text).startsWith('{"type":"hello"')) {
                socket.send(text);
                return;
            }
            const hello = JSON.parse(text);
            hello.channels = [...new Set([...hello.channels, "alerts", "anomalies"])];
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
        const body = request.postData() ? request.postDataJSON() : undefined;
        if (path === "rules/test") {
            this.requests.push({ method, path, body });
            if (this.#refused(route)) return undefined;
            return route.fulfill({ json: this.backTest(body) });
        }
        if (method === "GET") return route.fulfill({ json: this.#read(path, url.searchParams) });
        this.requests.push({ method, path, body, type: request.headers()["content-type"] });
        if (this.#refused(route)) return undefined;
        return this.#change(route, method, path, body);
    }

    #refused(route) {
        const r = this.refusal;
        this.refusal = undefined;
        if (!r) return false;
        const error = { code: "refused", message: r.message, field: r.field };
        void route.fulfill({ status: r.status, json: { error } });
        return true;
    }

    #read(path, query) {
        const t = NOW();
        if (path === "alerts") {
            const state = query.get("state") ?? "active";
            const all = { resolved: this.past, all: [...this.active, ...this.past] };
            const list = all[state] ?? this.active;
            const limit = Number(query.get("limit") ?? 100);
            return { t, total: list.length, alerts: list.slice(0, limit) };
        }
        if (path === "anomalies") return this.anomalies(query);
        return { [path]: this[path] };
    }

    #change(route, method, path, body) {
        const [what, key, act] = path.split("/").map(decodeURIComponent);
        if (what === "alerts" && act === "ack") {
            this.state(
                this.active.map((a) =>
                    a.id === Number(key) ? { ...a, state: "acknowledged", by: "admin test" } : a,
                ),
            );
            return route.fulfill({ json: { ok: true } });
        }
        if (what === "silences" && method === "POST") {
            const id = this.silences.length + 1;
            const from = NOW();
            this.silences.push({ id, by: "admin test", from, active: true, ...body });
            return route.fulfill({ status: 201, json: { id } });
        }
        if (what === "silences") {
            this.silences = this.silences.filter((s) => s.id !== Number(key));
            return route.fulfill({ status: 204, body: "" });
        }
        if (what === "channels") return route.fulfill({ status: 202, json: { ok: true } });
        if (what === "rules" && method === "DELETE") {
            this.rules = this.rules.filter((r) => r.name !== key);
            return route.fulfill({ status: 204, body: "" });
        }
        const status = { matched: 1, active: 0, note: "" };
        const rule = { severity: "warning", ...body, source: "api", status };
        this.rules = [...this.rules.filter((r) => r.name !== rule.name), rule];
        return route.fulfill({ status: method === "POST" ? 201 : 200, json: rule });
    }
}
