/*
 * Everything the pages look at, and the only place where the stream's messages arrive. Handlers put
 * numbers into rings and maps and ask for a frame; signals change in that frame, all at once.
 */
import { batch, computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Cancel, Clock } from "../base/clock";
import { FrameQueue } from "../base/frame";
import type { Json } from "../base/json";
import {
    FLAG_KINDS,
    flagFromEvent,
    flagFromGap,
    flagFromStart,
    withFlag,
    type Flag,
} from "../domain/flags";
import type { Compare } from "../domain/compare";
import { interfaceFrom, type Interface } from "../domain/interfaces";
import { rangeQuery, type Range } from "../domain/range";
import { skewWords } from "../domain/skew";
import type { GetJson, SendJson } from "../link/http";
import { StreamClient, type LinkState, type Socket } from "../link/stream-client";
import {
    eventsAddress,
    INFO_ADDRESS,
    interfacesAddress,
    parseEvents,
    parseInfo,
    type Info,
} from "../proto/history";
import type { Gap, Hello, Metrics, ServerMessage, StreamEvent, TableMessage } from "../proto/stream";
import { parsePage, type Page } from "../proto/table";
import { Alerts } from "./alerts";
import { Bands } from "./bands";
import { Counts, TABLE_NEEDS } from "./counts";
import { Freshness } from "./freshness";
import { Ghost } from "./ghost";
import { Losses } from "./losses";
import { NOTHING, PULSE, type Selection } from "./selection";
import { TimeWindow } from "./time-window";

const RANGE_NOT_BEFORE_MS = 300; // between two windows that are asked for, e.g. while a wheel turns
const HEAL_NOT_BEFORE_MS = 10_000; // between two reloads because of missing ticks
const SKEW_LEAST_MS = 1_000;
const INFO_NOT_BEFORE_MS = 10_000; // between two questions because ticks came at other times

export type Liveness = "connecting" | "live" | "paused" | "stale";

/* Something the reader should know. */
export interface Problem {
    key: "history" | "protocol" | "subscription" | "clock" | "store";
    text: string;
}

/* Which rows of a table: the server's filter language and order, at most so many. */
export interface TableWish {
    channel: string;
    filter: string;
    sort: string; // "" for the server's own order
    limit: number;
}

export interface EventTaker {
    take(e: StreamEvent): void;
    missed(): void; // some were not told: history has them
}

export class Session {
    readonly window: TimeWindow;
    readonly alerts: Alerts;
    readonly bands: Bands;
    readonly ghost: Ghost;
    readonly counts: Counts;
    readonly #losses: Losses;
    readonly #clock: Clock;
    /* For what only one page asks for. */
    readonly getJson: GetJson;
    readonly send: SendJson;
    readonly #listeners = new Map<string, Set<(body: Json) => void>>();
    readonly #heard = new Set<string>(); // of these, what is subscribed
    readonly #eventTakers = new Set<EventTaker>();
    readonly #followed = new Map<string, { wish: TableWish; take: (m: TableMessage) => void }>();
    readonly #client: StreamClient;
    readonly #frame: FrameQueue;
    readonly #freshness: Freshness;
    readonly #rows = new Map<number, Interface>();
    #rowsAnew = true; // a new connection: its first table is a whole one
    #tableDirty = false;
    #latencyMs: number | undefined; // also while nobody looks
    #lastSeq: number | undefined;
    #lastT = 0;
    #alertSeq = 0;
    #alertsWanted = false;
    #infoAt = -Infinity;
    #refused = false; // and the problem that is told is no other
    #eventSeq: number | undefined;
    #eventsWanted = false;
    #rangedAt = -Infinity;
    #rangeLater: Cancel | undefined;
    #healedAt = -Infinity;
    #healLater: Cancel | undefined;
    #infoLater: Cancel | undefined;
    #reloadDue = false; // what is shown was chosen while nobody looked
    #selection: Selection = NOTHING;
    #range: Range | undefined;
    #compare: Compare | undefined;
    #visible = true;

    readonly #painted = signal(0);
    readonly #link = signal<LinkState>({ name: "stopped" });
    readonly #hello = signal<Hello | undefined>(undefined);
    readonly #info = signal<Info | undefined>(undefined);
    readonly #skew = signal(0);
    readonly #latency = signal<number | undefined>(undefined);
    readonly #stale = signal(false);
    readonly #ticked = signal(false);
    readonly #beats = signal(0);
    readonly #held = signal(false);
    readonly #interfaces = signal<readonly Interface[]>([]);
    readonly #flags = signal<readonly Flag[]>([]);
    readonly #problems = signal<readonly Problem[]>([]);

    /* Grows once per frame in which something new is to be painted. */
    readonly painted: ReadonlySignal<number> = this.#painted;
    readonly link: ReadonlySignal<LinkState> = this.#link;
    readonly hello: ReadonlySignal<Hello | undefined> = this.#hello;
    readonly info: ReadonlySignal<Info | undefined> = this.#info;
    /* How many milliseconds the server's clock is ahead of this machine's, to about a second. */
    readonly skewMs: ReadonlySignal<number> = this.#skew;
    readonly latency: ReadonlySignal<number | undefined> = this.#latency;
    /* Grows with every tick that arrives, painted or not; not while the page is hidden. */
    readonly beats: ReadonlySignal<number> = this.#beats;
    readonly interfaces: ReadonlySignal<readonly Interface[]> = this.#interfaces;
    readonly flags: ReadonlySignal<readonly Flag[]> = this.#flags;
    readonly problems: ReadonlySignal<readonly Problem[]> = this.#problems;
    readonly paused: ReadonlySignal<boolean>;
    readonly liveness: ReadonlySignal<Liveness>;

    constructor(
        openSocket: () => Socket,
        getJson: GetJson,
        clock: Clock,
        range: ReadonlySignal<Range>,
        frame: (run: () => void) => void = requestAnimationFrame,
        send: SendJson = () => Promise.reject(new Error("this page only reads")),
    ) {
        this.#clock = clock;
        this.getJson = getJson;
        this.send = send;
        this.#frame = new FrameQueue(() => this.#paint(), frame);
        this.#freshness = new Freshness(clock, () => {
            this.#stale.value = this.#freshness.stale;
            if (this.#freshness.stale) this.#askAgain();
        });
        this.window = new TimeWindow(getJson, {
            changed: () => this.#frame.request(),
            trouble: (why) => this.#problem("history", why && historyWords(why)),
        });
        this.alerts = new Alerts(getJson, send);
        this.bands = new Bands(getJson, clock, () => this.#frame.request());
        this.ghost = new Ghost(getJson, () => this.#frame.request());
        this.#losses = new Losses(getJson, clock, (words) => this.#problem("store", words));
        this.counts = new Counts(getJson, clock, (table) => this.offersTable(table));
        this.#client = new StreamClient(openSocket, clock, {
            message: (m) => this.#receive(m),
            state: (s) => this.#linkChanged(s),
            latency: (ms) => {
                this.#latencyMs = ms;
                if (this.#visible) this.#latency.value = ms;
            },
            confused: (why) => this.#problem("protocol", protocolWords(why)),
        });
        this.paused = computed(() => this.#held.value || range.value.kind === "fixed");
        this.liveness = computed(() => {
            if (this.paused.value) return "paused";
            if (this.#stale.value) return "stale";
            return this.#ticked.value ? "live" : "connecting";
        });
        effect(() => {
            const next = range.value;
            if (next === this.#range) return;
            this.#range = next;
            untracked(() => this.#reloadRange());
        });
    }

    /* askedMs: when what it asks first was asked already, by wall time. */
    start(askedMs = this.#clock.wall()): void {
        this.#subscribe();
        this.#wantEvents();
        this.#client.start();
        if (this.#visible) this.#watch();
        void this.#askInfo(askedMs);
        void this.#askInterfaces();
    }

    stop(): void {
        this.#unwatch();
        this.#client.stop();
    }

    /* What is looked at now and then while somebody reads the page. */
    #watch(): void {
        this.counts.start();
        this.#losses.start();
    }

    #unwatch(): void {
        this.counts.stop();
        this.#losses.stop();
    }

    retry(): void {
        this.#client.retry();
        if (this.#problems.value.some((p) => p.key === "history")) this.#reload();
    }

    dismiss(key: Problem["key"]): void {
        this.#problem(key, undefined);
    }

    /* What the page shows from now on. */
    show(selection: Selection): void {
        if (selection.key === this.#selection.key) return;
        this.#selection = selection;
        this.#subscribe();
        this.#reload();
    }

    /* The machine slept: what is shown is old, and the connection is perhaps dead without a word. */
    woke(): void {
        void this.#askInfo();
        if (this.#link.value.name === "open") this.#freshness.lost();
        this.#client.renew();
    }

    /* Beside what the window shows: the same series at another time; undefined: nothing. */
    compareWith(compare: Compare | undefined): void {
        if (compare?.text === this.#compare?.text) return;
        this.#compare = compare;
        if (this.#range) this.ghost.load(this.#selection, this.#range, compare);
    }

    /* Holds the picture; going on again starts from history, so nothing is missing. */
    hold(held: boolean): void {
        if (held === this.#held.value) return;
        this.#held.value = held;
        if (!held) this.#reload();
        this.#frame.request();
    }

    /* A hidden page hears of alerts, which its title and its icon tell, and of nothing else. Seen
     * again, it is stale until a tick is there, or it is known that none was due. */
    setVisible(visible: boolean): void {
        if (visible === this.#visible) return;
        this.#visible = visible;
        this.#client.calm(!visible);
        this.#subscribe();
        this.#wantEvents();
        this.alerts.settle();
        if (!visible) {
            this.#unwatch();
            return;
        }
        const since = this.#freshness.since; // by wall time: the machine may have slept
        if (this.#clock.wall() - (since ?? Infinity) > 2 * this.intervalMs) this.#freshness.lost();
        this.#watch();
        this.#beats.value++;
        this.#latency.value = this.#latencyMs;
        this.#client.retry();
        if (this.#freshness.stale) this.#askAgain();
        if (!this.paused.value || this.#reloadDue) this.#reload();
    }

    /*
     * Messages of a channel that only one page reads, as they came. Subscribed while somebody listens
     * and the server knows the channel. Returns what ends it.
     */
    listen(channel: string, take: (body: Json) => void): () => void {
        const takers = this.#listeners.get(channel) ?? new Set();
        this.#listeners.set(channel, takers.add(take));
        this.#hear(channel);
        return () => {
            takers.delete(take);
            if (takers.size || this.#listeners.get(channel) !== takers) return;
            this.#listeners.delete(channel);
            if (this.#heard.delete(channel)) this.#client.unwant(channel);
        };
    }

    /* Every event of the host as it comes, until the returned function is called. */
    hearEvents(taker: EventTaker): () => void {
        this.#eventTakers.add(taker);
        return () => this.#eventTakers.delete(taker);
    }

    /*
     * A table that the page in sight reads, as it comes: the first message after each subscription is
     * a whole one. One at a time of each channel; a second wish replaces the first. Returns what ends it.
     */
    follow(wish: TableWish, take: (m: TableMessage) => void): () => void {
        const followed = { wish, take };
        this.#followed.set(wish.channel, followed);
        this.#wantTable(wish);
        return () => {
            if (this.#followed.get(wish.channel) !== followed) return;
            this.#followed.delete(wish.channel);
            this.#client.unwant(wish.channel);
        };
    }

    /* On a busy host they are many. Nobody sees them in a hidden tab; then all that were missed come. */
    #wantEvents(): void {
        const since = this.#eventSeq === undefined ? {} : { since: this.#eventSeq };
        if (this.#visible) this.#client.want({ channel: "events", ...since });
        else this.#client.unwant("events");
        // Where none was told yet the server cannot know what was missed meanwhile.
        if (this.#visible && this.#eventSeq === undefined && this.#eventsWanted)
            for (const taker of this.#eventTakers) taker.missed();
        this.#eventsWanted = true;
    }

    #wantTable(wish: TableWish): void {
        if (this.#visible && this.#offers(wish.channel)) this.#client.want(wish);
    }

    #hear(channel: string): void {
        if (!this.#visible || this.#heard.has(channel) || !this.#offers(channel)) return;
        this.#heard.add(channel);
        this.#client.want({ channel });
    }

    get staleSince(): number | undefined {
        return this.#freshness.since;
    }

    get ageMs(): number | undefined {
        return this.#freshness.ageMs;
    }

    get intervalMs(): number {
        return this.#hello.value?.intervalMs ?? 1000;
    }

    /* The server's present, as far as it is known here. */
    get presentMs(): number {
        return this.#lastT || this.#clock.wall();
    }

    /* What the window shows of this range is all that the server has of it. Otherwise something is on
     * its way, will be asked for, or could not be read. */
    hasAll(range: Range): boolean {
        const { window } = this;
        return window.range === range && !window.reading && !window.unread && !this.#healLater;
    }

    /* A tick is due, or nobody waits for one. */
    #expectTick(): void {
        if (this.#visible) this.#freshness.expect(this.intervalMs);
        else this.#freshness.rest();
    }

    /* Whatever made it stale: it is not when none was due since the last one. */
    #expectTickAnew(): void {
        const ageMs = this.#clock.wall() - (this.staleSince ?? -Infinity); // may have slept
        if (ageMs < this.intervalMs || !this.#visible) this.#freshness.recover();
        this.#expectTick();
    }

    #subscribe(): void {
        this.#lastSeq = undefined;
        if (this.#link.value.name === "open") this.#expectTick();
        if (!this.#visible) {
            const others = [...this.#followed.keys(), ...this.#heard];
            for (const channel of ["interfaces", "metrics", "anomalies", ...others])
                this.#client.unwant(channel);
            this.#heard.clear();
            return;
        }
        this.#client.want({ channel: "interfaces" });
        for (const { wish } of this.#followed.values()) this.#wantTable(wish);
        for (const channel of this.#listeners.keys()) this.#hear(channel);
        const { groups, match } = this.#selection.groups.length ? this.#selection : PULSE;
        this.#client.want({ channel: "metrics", metric: groups.flat(), match: [...match] });
        this.#wantBands();
    }

    #wantBands(): void {
        const { bands } = this.#selection;
        if (!this.#visible || !this.#offers("anomalies")) return;
        if (!bands) this.#client.unwant("anomalies");
        else
            this.#client.want({
                channel: "anomalies",
                metric: [...bands.metrics],
                match: [...bands.match],
            });
    }

    /* Whether something fills the table here; who asks for one that nothing fills gets an error. */
    offersTable(table: string): boolean {
        const all = this.#info.value?.capabilities ?? [];
        return all.some((c) => c.name === TABLE_NEEDS[table] && c.engine !== "");
    }

    /* Servers of other versions may not know of it. */
    #offers(channel: string): boolean {
        return untracked(() => this.#hello.value?.channels.includes(channel) === true);
    }

    /* At once, but one that follows another at its heels waits: of many only the last is asked for. */
    #reloadRange(): void {
        const waitMs = this.#rangedAt + RANGE_NOT_BEFORE_MS - this.#clock.now();
        if (waitMs > 0) {
            this.#rangeLater ??= this.#clock.after(waitMs, () => {
                this.#rangeLater = undefined;
                this.#reloadRange();
            });
            return;
        }
        if (this.#selection.groups.length) this.#rangedAt = this.#clock.now();
        this.#reload();
    }

    #reload(): void {
        if (!this.#range || !this.#selection.groups.length) return;
        this.#reloadDue = !this.#visible;
        if (this.#reloadDue) return;
        this.window.load(this.#selection, this.#range);
        if (this.#compare) this.ghost.load(this.#selection, this.#range, this.#compare);
        void this.#askEvents(this.#range);
        this.#reloadAlerts(this.#range);
    }

    /* What was usual, and which alerts fired: charts are right without, so no failure is told. */
    #reloadAlerts(range: Range): void {
        if (this.#offers("alerts")) void this.alerts.marks.load(rangeQuery(range));
        if (this.#offers("anomalies"))
            void this.bands.load(this.#selection.key, this.#selection.bands, range);
    }

    /* Marks of the time before this page was opened. Without them charts are still right. */
    async #askEvents(range: Range): Promise<void> {
        const { from, to } = rangeQuery(range);
        const answer = await this.getJson(eventsAddress(FLAG_KINDS, from, to));
        if (!answer.ok) return;
        for (const e of parseEvents(answer.value)) {
            const flag = flagFromEvent(e.t, e.kind, e.fields);
            if (flag) this.#flag(flag);
        }
    }

    async #askInfo(askedAt = this.#clock.wall()): Promise<void> {
        this.#infoAt = this.#clock.now();
        const answer = await this.getJson(INFO_ADDRESS);
        const info = answer.ok ? parseInfo(answer.value) : answer;
        if (!info.ok) {
            if (this.#freshness.stale) this.#askAgain();
            return;
        }
        const first = this.#info.value === undefined;
        this.#info.value = info.value;
        this.#setSkew(info.value.nowMs, askedAt);
        if (first) this.counts.again();
        this.window.intervalMs = info.value.intervalMs;
        const hello = this.#hello.value;
        if (hello && hello.intervalMs !== info.value.intervalMs) {
            this.#hello.value = { ...hello, intervalMs: info.value.intervalMs };
            if (!this.paused.value) this.#reload(); // in steps of the new length
            if (this.#link.value.name === "open") this.#expectTickAnew();
        }
        if (info.value.startedMs !== undefined) this.#flag(flagFromStart(info.value.startedMs));
    }

    /* The answer was made between question and arrival; a clock that says so may be right. So may one
     * that is less than a second beside that. */
    #setSkew(serverMs: number | undefined, askedAt: number): void {
        if (serverMs === undefined) return;
        const skew = serverMs - Math.min(Math.max(serverMs, askedAt), this.#clock.wall());
        this.#skew.value = Math.abs(skew) < SKEW_LEAST_MS ? 0 : Math.round(skew);
        this.#problem("clock", skewWords(skew));
    }

    /* Ticks come at other times than was said, or not at all: either they are late, or the interval
     * was changed, which a tick does not say. */
    #askAgain(): void {
        if (!this.#visible || this.#link.value.name !== "open") return;
        const waitMs = this.#infoAt + INFO_NOT_BEFORE_MS - this.#clock.now();
        if (waitMs <= 0) void this.#askInfo();
        else
            this.#infoLater ??= this.#clock.after(waitMs, () => {
                this.#infoLater = undefined;
                if (this.#freshness.stale) this.#askAgain();
            });
    }

    #linkChanged(state: LinkState): void {
        this.#link.value = state;
        if (state.name === "open") {
            this.#rowsAnew = true;
            this.#expectTickAnew();
        } else if (state.name === "waiting") {
            this.#latency.value = this.#latencyMs = undefined;
            this.#freshness.lost();
            if (state.refused) void this.#askInfo(); // 401 leads to the login
        }
    }

    #receive(m: ServerMessage): void {
        switch (m.type) {
            case "metrics":
                this.#tick(m);
                break;
            case "document":
                this.#client.reached(m.channel, m.seq);
                for (const take of this.#listeners.get(m.channel) ?? []) take(m.body);
                break;
            case "alert":
            case "alert_state":
                this.alerts.receive(m);
                // A state that had to wait comes behind a message that is newer.
                this.#alertSeq = Math.max(this.#alertSeq, m.seq);
                this.#client.reached("alerts", this.#alertSeq);
                if (this.#visible) this.#frame.request();
                else this.alerts.settle();
                break;
            case "anomalies":
                if (!this.paused.value) this.bands.tick(m);
                break;
            case "table":
                if (m.channel === "interfaces") this.#table(m);
                this.#followed.get(m.channel)?.take(m);
                break;
            case "series":
                this.window.describe(m.series);
                break;
            case "event": {
                const flag = flagFromEvent(m.t, m.kind, m.fields);
                if (flag) this.#flag(flag);
                for (const taker of this.#eventTakers) taker.take(m);
                this.#eventSeq = m.seq;
                this.#client.reached("events", m.seq);
                break;
            }
            case "gap":
                this.#gap(m);
                break;
            case "hello":
                this.#greet(m);
                break;
            case "ok":
                if (!this.#refused || this.#client.refused) break;
                this.#refused = false;
                this.#problem("subscription", undefined);
                break;
            case "error":
                this.#refused = this.#client.refused;
                this.#problem(
                    "subscription",
                    `The server refused a request: ${m.message || m.code}`,
                );
                break;
            default:
                break; // newer servers may say more
        }
    }

    #greet(hello: Hello): void {
        const before = this.#hello.value;
        this.#hello.value = hello;
        this.window.intervalMs = hello.intervalMs;
        this.#expectTick();
        if (!before || !this.#alertsWanted) this.#greetFirst(hello);
        for (const channel of this.#listeners.keys()) this.#hear(channel);
        if (!before) for (const { wish } of this.#followed.values()) this.#wantTable(wish);
        if (before && before.session !== hello.session) void this.#askInfo(); // it was restarted
    }

    /* Wishes that only a server that knows the channel is told. */
    #greetFirst(hello: Hello): void {
        this.#alertsWanted = hello.channels.includes("alerts");
        if (this.#alertsWanted) this.#client.want({ channel: "alerts" });
        if (this.#selection.bands) this.#wantBands();
        if (this.#range && this.#selection.groups.length) this.#reloadAlerts(this.#range);
    }

    #tick(m: Metrics): void {
        if (!this.#visible) return; // it was on its way
        this.#freshness.tick(this.intervalMs);
        this.#ticked.value = true;
        this.#beats.value++;
        const missing = this.#lastSeq !== undefined && m.seq > this.#lastSeq + 1;
        if (m.seq - 1 === this.#lastSeq && m.t - this.#lastT !== this.intervalMs) this.#askAgain();
        this.#lastSeq = m.seq;
        this.#lastT = m.t;
        this.#client.reached("metrics", m.seq);
        this.#client.acknowledge(m.seq);
        if (this.paused.value) return;
        this.window.tick(m);
        this.ghost.reached(m.t);
        if (missing) this.#heal();
        this.#frame.request();
    }

    /* Ticks are missing here; history has them. Too soon after the last time: later, but once. */
    #heal(): void {
        if (!this.#visible) return; // then all is read
        const waitMs = this.#healedAt + HEAL_NOT_BEFORE_MS - this.#clock.now();
        if (waitMs > 0) {
            this.#healLater ??= this.#clock.after(waitMs, () => {
                this.#healLater = undefined;
                if (this.#visible && !this.paused.value) this.#heal();
            });
            return;
        }
        this.#healLater?.();
        this.#healLater = undefined;
        this.#healedAt = this.#clock.now();
        this.#reload();
    }

    #gap(gap: Gap): void {
        if (gap.channel === "events") for (const taker of this.#eventTakers) taker.missed();
        if (gap.channel !== "metrics") return;
        const at = this.window.grid?.newestMs;
        const flag = at === undefined || Number.isNaN(at) ? undefined : flagFromGap(at, gap.reason);
        if (flag) this.#flag(flag);
        if (!this.paused.value) this.#heal();
    }

    #flag(flag: Flag): void {
        this.#flags.value = withFlag(this.#flags.value, flag);
        this.#frame.request();
    }

    #table(m: TableMessage): void {
        if (this.#rowsAnew || m.full) this.#rows.clear();
        this.#rowsAnew = false;
        for (const id of m.removed) this.#rows.delete(id);
        this.#takeRows(m);
    }

    #takeRows({ columns, rows }: Pick<Page, "columns" | "rows">): void {
        for (const row of rows) {
            const i = interfaceFrom(columns, row);
            if (i) this.#rows.set(i.id, i);
        }
        this.#tableDirty = true;
        this.#frame.request();
    }

    /* The stream tells them as well, but later: it has to be opened first, and charts wait for them. */
    async #askInterfaces(): Promise<void> {
        const answer = await this.getJson(interfacesAddress());
        const told = !this.#rowsAnew || this.#rows.size > 0;
        if (answer.ok && !told) this.#takeRows(parsePage(answer.value));
    }

    #paint(): void {
        batch(() => {
            const first = this.#interfaces.value.length === 0;
            if (this.#tableDirty && (first || !this.paused.value)) {
                this.#tableDirty = false;
                this.#interfaces.value = [...this.#rows.values()];
            }
            this.alerts.settle();
            this.#painted.value++;
        });
    }

    #problem(key: Problem["key"], text: string | undefined): void {
        const others = this.#problems.value.filter((p) => p.key !== key);
        if (text === undefined && others.length === this.#problems.value.length) return;
        this.#problems.value = text === undefined ? others : [...others, { key, text }];
    }
}

function historyWords(why: string): string {
    return `History could not be read: ${why}. New values keep arriving; older ones are missing.`;
}

function protocolWords(why: string): string {
    return (
        `The server sent something this page does not understand (${why}). ` +
        "Reload the page; if it stays, server and page are of different versions."
    );
}
