/*
 * Alerts as the pages see them: what is active (from the stream, complete whatever is limited), the
 * messages of this page's life, and what is asked over HTTP. The stream's handler only keeps the
 * newest set; signals change when `settle` is called, once a frame, or at once while the page is
 * hidden, because its title, its icon and its notifications are seen all the same.
 */
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import { fail, ok, type Result } from "../base/result";
import type { GetJson, SendJson, Sent } from "../link/http";
import {
    alertsAddress,
    parseAlertPage,
    parseBackTest,
    parseChannels,
    parseRules,
    parseSilences,
    type Alert,
    type AlertMessage,
    type AlertPage,
    type AlertQuery,
    type AlertSet,
    type BackTest,
    type Channel,
    type Rule,
    type Silence,
} from "../proto/alerts";
import { parseSeriesList } from "../proto/history";
import type { SeriesInfo } from "../proto/series";
import { Remote } from "./remote";

export type { Alert, AlertMessage, AlertPage, BackTest, Channel, Rule, Silence };

const NEWS_MOST = 50;
const DAY_ALERTS = 1; // the newest; the number of all comes with it
const MARKS_MOST = 200;

export interface SilenceWish {
    rule: string;
    series: string;
    comment: string;
    toMs: number;
}

/* Which rules and series exist, for the editor's lists. */
export interface SeriesQuery {
    metric: string;
    match: readonly string[];
}

export class Alerts {
    readonly #getJson: GetJson;
    readonly #send: SendJson;
    #newest: AlertSet | undefined; // not settled yet
    #seq = -1;
    #waiting: AlertMessage[] = [];

    readonly #active = signal<readonly Alert[]>([]);
    readonly #total = signal(0);
    readonly #known = signal(false);
    readonly #news = signal<readonly AlertMessage[]>([]);
    readonly #changes = signal(0);
    readonly #recent = signal<readonly Alert[]>([]);

    readonly active: ReadonlySignal<readonly Alert[]> = this.#active;
    /* More than are listed, on a very bad day. */
    readonly total: ReadonlySignal<number> = this.#total;
    readonly known: ReadonlySignal<boolean> = this.#known;
    /* What the channel told while this page was open, the newest last. */
    readonly news: ReadonlySignal<readonly AlertMessage[]> = this.#news;
    /* Grows whenever something happened to an alert, as lists may be different then. */
    readonly changes: ReadonlySignal<number> = this.#changes;

    /* What was seen firing since the page is open, also what is over. */
    readonly recent: ReadonlySignal<readonly Alert[]> = this.#recent;

    readonly lastDay: Remote<AlertPage>;
    readonly history: Remote<AlertPage, AlertQuery>;
    readonly marks: Remote<AlertPage, { from: string; to: string }>;
    readonly silences: Remote<Silence[]>;
    readonly channels: Remote<Channel[]>;
    readonly rules: Remote<Rule[]>;
    readonly metrics: Remote<SeriesInfo[]>;
    readonly candidates: Remote<SeriesInfo[], SeriesQuery>;

    constructor(getJson: GetJson, send: SendJson) {
        this.#getJson = getJson;
        this.#send = send;
        const page = (q: AlertQuery, s: AbortSignal) =>
            this.#read(alertsAddress(q), parseAlertPage, s);
        const day = { state: "all", from: "now-24h", to: "now", limit: DAY_ALERTS };
        this.lastDay = new Remote((_: void, s) => page(day, s));
        this.history = new Remote(page);
        this.marks = new Remote(({ from, to }, s) =>
            page({ state: "all", from, to, limit: MARKS_MOST }, s),
        );
        this.silences = new Remote((_: void, s) => this.#read("api/v1/silences", parseSilences, s));
        this.channels = new Remote((_: void, s) => this.#read("api/v1/channels", parseChannels, s));
        this.rules = new Remote((_: void, s) => this.#read("api/v1/rules", parseRules, s));
        this.metrics = new Remote((_: void, s) => this.#series({ metric: "*", match: [] }, s));
        this.candidates = new Remote((q, s) => this.#series(q, s));
    }

    /* ---- from the stream ---- */

    receive(m: AlertMessage | AlertSet): void {
        if (m.type === "alert_state") this.#newest = m;
        else this.#waiting = [...this.#waiting, m].slice(-NEWS_MOST);
    }

    settle(): void {
        const set = this.#newest;
        const waiting = this.#waiting;
        if (!set && waiting.length === 0) return;
        this.#newest = undefined;
        this.#waiting = [];
        batch(() => {
            if (set) {
                this.#remember(set);
                this.#active.value = set.alerts;
                this.#total.value = set.total;
                this.#known.value = true;
            }
            if (waiting.length)
                this.#news.value = [...this.#news.peek(), ...waiting].slice(-NEWS_MOST);
            const seq = Math.max(set?.seq ?? -1, ...waiting.map((m) => m.seq));
            if (seq === this.#seq && waiting.length === 0) return;
            this.#seq = seq;
            this.#changes.value++;
        });
    }

    /* Charts keep the mark of an alert that is over, although nobody may have told of it yet. */
    #remember(set: AlertSet): void {
        const now = new Map(set.alerts.map((a) => [a.id, a]));
        const whole = set.total === set.alerts.length;
        const before = this.#recent.peek().map((a): Alert => {
            if (now.has(a.id) || a.resolvedMs !== undefined || !whole) return a;
            return { ...a, state: "resolved", resolvedMs: set.t };
        });
        const gone = before.filter((a) => !now.has(a.id));
        const fired = set.alerts.filter((a) => a.startedMs !== undefined);
        this.#recent.value = [...gone, ...fired].slice(-MARKS_MOST);
    }

    /* ---- what somebody does ---- */

    acknowledge(id: number): Promise<Sent> {
        return this.#send("POST", `api/v1/alerts/${id}/ack`, {});
    }

    async silence({ rule, series, comment, toMs }: SilenceWish): Promise<Sent> {
        const sent = await this.#send("POST", "api/v1/silences", {
            rule,
            series,
            comment,
            to: toMs,
        });
        if (sent.ok) void this.silences.load();
        return sent;
    }

    async endSilence(id: number): Promise<Sent> {
        const sent = await this.#send("DELETE", `api/v1/silences/${id}`);
        void this.silences.load();
        return sent;
    }

    async testChannel(name: string): Promise<Sent> {
        const sent = await this.#send(
            "POST",
            `api/v1/channels/${encodeURIComponent(name)}/test`,
            {},
        );
        void this.channels.load();
        return sent;
    }

    /* A rule that is there is replaced. */
    async saveRule(body: Record<string, unknown>, exists: boolean): Promise<Sent> {
        const name = encodeURIComponent(String(body["name"] ?? ""));
        const sent = exists
            ? await this.#send("PUT", `api/v1/rules/${name}`, body)
            : await this.#send("POST", "api/v1/rules", body);
        if (sent.ok) void this.rules.load();
        return sent;
    }

    async deleteRule(name: string): Promise<Sent> {
        const sent = await this.#send("DELETE", `api/v1/rules/${encodeURIComponent(name)}`);
        void this.rules.load();
        return sent;
    }

    async testRule(
        rule: Record<string, unknown>,
        points: number,
        from: string | number = "now-24h",
    ): Promise<Result<BackTest> & { field?: string }> {
        const body = { rule, from, to: "now", points };
        const sent = await this.#send("POST", "api/v1/rules/test", body);
        return sent.ok ? parseBackTest(sent.value) : { ...fail(sent.error), field: sent.field };
    }

    async #read<T>(
        address: string,
        parse: (v: unknown) => Result<T>,
        stop: AbortSignal,
    ): Promise<Result<T>> {
        const answer = await this.#getJson(address, stop);
        return answer.ok ? parse(answer.value) : answer;
    }

    #series({ metric, match }: SeriesQuery, stop: AbortSignal): Promise<Result<SeriesInfo[]>> {
        const p = new URLSearchParams();
        if (metric !== "*") p.append("metric", metric);
        for (const m of match) p.append("match", m);
        const address = "api/v1/series" + (p.size ? "?" + p.toString() : "");
        return this.#read(address, (v) => ok(parseSeriesList(v)), stop);
    }
}
