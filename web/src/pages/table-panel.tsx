/*
 * A table of the server with everything around it: filter, columns, files, of when it is and how to
 * go back in time. Filter, order, the row that is open and the moment live in the address.
 */
import { computed, effect, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { systemClock } from "../base/clock";
import type { ColumnTable } from "../domain/column-table";
import { momentsAfter } from "../domain/stored-moments";
import { sortKeyText } from "../domain/table-view";
import { serverNow, whenText } from "../domain/time";
import { ColumnChoice } from "../store/columns";
import { FullTable, type TableFacts } from "../store/full-table";
import { TableLens } from "../store/table-lens";
import { ColumnChooser } from "../widgets/column-chooser";
import { DataTable } from "../widgets/data-table";
import { FilterBox } from "../widgets/filter-box";
import { Skeleton } from "../widgets/skeleton";
import type { TableColumn } from "../widgets/table-rows";
import { usePage, type PageContext } from "./context";
import { NotProvided } from "./not-provided";
import { SaveTable } from "./save-table";
import type { Writing } from "./table-columns";

export type TableChannel = "connections" | "processes" | "flows" | "dns";

/* Of these the server stores one a minute. */
const STORED: readonly TableChannel[] = ["connections", "processes"];

export interface TableWork {
    channel: TableChannel;
    full: FullTable;
    lens: TableLens;
    writing: Writing;
}

/* The moment that the page shows; undefined: the present. */
export function momentOf({ location }: PageContext): number | undefined {
    const at = location.place.value.query.get("at");
    if (at && /^\d{10,15}$/.test(at)) return Number(at);
    const range = location.range.value;
    return range.kind === "fixed" ? range.toMs : undefined;
}

/* The table of a page, for as long as the page is open. */
export function useTable(channel: TableChannel): TableWork {
    const context = usePage();
    const work = useMemo(() => {
        const { session } = context;
        const full = new FullTable(session, channel, systemClock, () => !document.hidden);
        const writing: Writing = { bytesAs: "bits", nowMs: Date.now() };
        return { channel, full, lens: new TableLens(full, systemClock), writing };
    }, [channel, context]);
    useEffect(() => {
        const { location, session } = context;
        // By itself, so that a filter that changes in the address does not read the table again.
        const moment = computed(() => momentOf(context));
        const stops = [
            work.lens.start(),
            effect(() => {
                const { query } = location.place.value;
                work.lens.seek(query.get("filter") ?? "", query.get("sort"));
            }),
            // What is not stored goes on while the rest of the page looks back.
            effect(() => {
                const past = STORED.includes(channel) ? moment.value : undefined;
                const paused = session.paused.value && moment.value === undefined;
                if (past !== undefined) void work.full.showPast(past);
                else if (!paused) work.full.showLive();
                else if (shownLive(work.full)) work.full.stop();
                else return work.full.showOnce();
                return undefined;
            }),
        ];
        return () => {
            stops.forEach((stop) => stop());
            work.full.stop();
        };
    }, [context, work, channel]);
    return work;
}

/* What is there is of the present, or of a moment ago. */
function shownLive(full: FullTable): boolean {
    const { loaded, live, error } = full.facts.peek();
    return loaded && live && error === undefined;
}

interface TablePanelProps {
    work: TableWork;
    title: string; // "Connections"
    what: string; // "connections"
    placeholder: string;
    columns: readonly TableColumn[];
    children?: ComponentChildren; // more tools
}

export function TablePanel({ work, title, what, placeholder, columns, children }: TablePanelProps) {
    const context = usePage();
    const { location, preferences } = context;
    const { full, lens, channel, writing } = work;
    const choice = useMemo(() => new ColumnChoice(channel), [channel]);
    const { query } = location.place.value;
    const filter = query.get("filter") ?? "";
    const facts = full.facts.value;
    const sort = lens.sort.value;
    writing.bytesAs = preferences.bytesAs.value;
    writing.nowMs = Date.now();
    const open = Number(query.get("id") ?? NaN);
    const names = full.table.value.columns;
    if (facts.error) {
        return facts.live ? (
            <NotProvided what={what} error={facts.error} />
        ) : (
            <>
                <PastTools work={work} />
                <p class="table-empty">There is no table of that time: {facts.error}.</p>
            </>
        );
    }
    return (
        <section class="table-panel" aria-label={title}>
            <div class="table-tools">
                <FilterBox
                    label={`Show only ${what} that match`}
                    placeholder={placeholder}
                    value={filter}
                    columns={names}
                    trouble={lens.trouble.value}
                    onChange={(text) => location.setQuery("filter", text)}
                />
                <label class="sort-choice">
                    Sort by{" "}
                    <select
                        value={sort?.column ?? ""}
                        onChange={(e) => {
                            const column = columns.find((c) => c.name === e.currentTarget.value);
                            const descending = column?.downwards === true;
                            const key = column && { column: column.name, descending };
                            location.setQuery("sort", sortKeyText(key));
                        }}
                    >
                        <option value="">Traffic</option>
                        {columns.map((c) => (
                            <option key={c.name} value={c.name}>
                                {c.title}
                            </option>
                        ))}
                    </select>
                </label>
                {children}
                <Count work={work} what={what} filtered={filter.trim() !== ""} />
                <PastTools work={work} />
                <ColumnChooser
                    columns={columns}
                    chosen={choice.chosen}
                    onChoose={(chosen) => choice.choose(chosen)}
                />
                <SaveTable
                    table={{
                        what: title,
                        server: () => ({
                            table: channel,
                            filter,
                            sort: sortKeyText(lens.sort.peek()),
                            atMs: facts.live ? undefined : facts.t,
                        }),
                    }}
                />
            </div>
            <div class="table-place">
                <DataTable
                    name={channel}
                    label={title}
                    view={lens.view}
                    painted={lens.painted}
                    columns={columns}
                    chosen={choice.chosen}
                    sort={sort}
                    onSort={(key) => location.setQuery("sort", sortKeyText(key))}
                    selected={Number.isNaN(open) ? undefined : open}
                    onOpen={(id) => location.setQuery("id", String(id))}
                    held={lens.held.value}
                    onHold={(held) => lens.hold(held)}
                    dress={writing.bytesAs}
                />
                <Emptiness work={work} what={what} filter={filter} />
            </div>
        </section>
    );
}

/* In the table's own room, so that nothing moves. */
function Emptiness({ work, what, filter }: { work: TableWork; what: string; filter: string }) {
    const { location } = usePage();
    const count = useComputed(() => {
        void work.lens.painted.value;
        return work.lens.view.value.count;
    });
    const { loaded } = work.full.facts.value;
    if (!loaded)
        return (
            <div class="table-over">
                <Skeleton rows={12} what={`the ${what}`} />
            </div>
        );
    if (count.value > 0) return null;
    return (
        <p class="table-over table-empty">
            {filter.trim() === "" ? (
                `No ${what}.`
            ) : (
                <>
                    None of the {what} here matches “<bdi>{filter}</bdi>”.{" "}
                    <button
                        type="button"
                        class="button"
                        onClick={() => location.setQuery("filter", "")}
                    >
                        Show all
                    </button>
                </>
            )}
        </p>
    );
}

/* How many there are, and how old what is. */
function Count({ work, what, filtered }: { work: TableWork; what: string; filtered: boolean }) {
    const shown = useComputed(() => {
        void work.lens.painted.value;
        const { count, table } = work.lens.view.value;
        return { count, here: table.count };
    });
    const facts = work.full.facts.value;
    const { count, here } = shown.value;
    if (!facts.loaded) return <p class="method table-count" />;
    const n = (v: number) => v.toLocaleString("en");
    const all = facts.whole ? here : Math.max(here, facts.total);
    const passing = filtered ? `${n(count)} of ${n(all)} ${what}` : `${n(all)} ${what}`;
    const held = work.lens.held.value ? "order held" : "";
    return (
        <p class="method table-count" title={ageTitle(facts)}>
            {[passing, ageWords(facts), held].filter(Boolean).join(" · ")}
        </p>
    );
}

function ageWords(facts: TableFacts): string {
    if (!facts.live) return facts.cutFrom ? `the first of ${facts.cutFrom.toLocaleString("en")}` : "";
    if (facts.whole) return "";
    if (facts.readAt === undefined) return "reading the rest";
    return `the first 2,000 live, the rest of ${whenText(facts.readAt, serverNow())}`;
}

function ageTitle(facts: TableFacts): string {
    if (!facts.live) return "Of each stored table the first 10,000 rows by rates and totals are kept.";
    return facts.whole
        ? "All rows are live. They keep their places while the pointer is over them, and change them at most once a second."
        : "The rows that come first are live; the others are read again every ten seconds.";
}

/* Of when the table is, and the way to the one before and after it. */
function PastTools({ work }: { work: TableWork }) {
    const context = usePage();
    const { location, session } = context;
    const busy = useSignal(false);
    const end = useSignal(""); // where one cannot step any further
    const moment = momentOf(context);
    const facts = work.full.facts.value;
    if (moment === undefined) return null;
    if (!STORED.includes(work.channel))
        return (
            <p class="past-tools past-note">
                This is now: of this table no history is kept, only of its charts.
            </p>
        );
    const goTo = (ms: number) => location.setQuery("at", String(Math.floor(ms)));
    const timeAt = async (ms: number): Promise<number | undefined> => {
        const answer = await session.getJson(`api/v1/${work.channel}?limit=1&at=${Math.floor(ms)}`);
        const t = answer.ok ? (answer.value as { t?: unknown }).t : undefined;
        return typeof t === "number" ? t : undefined;
    };
    const step = async (moments: number[], otherwise: string) => {
        busy.value = true;
        end.value = "";
        let found: number | undefined;
        for (const ms of moments) {
            const t = await timeAt(ms);
            if (t !== undefined && t !== facts.t) {
                found = t;
                break;
            }
        }
        busy.value = false;
        if (found === undefined) end.value = otherwise;
        else goTo(found);
    };
    const live = () => {
        location.setQuery("at", "");
        if (location.range.peek().kind === "fixed") location.follow();
    };
    const button = (name: string, run: () => void, words: string) => (
        <button type="button" class="button" title={words} aria-label={words} onClick={run}>
            {name}
        </button>
    );
    const when = whenText(facts.t || moment, serverNow());
    return (
        <div class="past-tools" role="group" aria-label="Time of the table" aria-busy={busy.value}>
            {button("‹", () => void step([(facts.t || moment) - 1], "none before"), "The table before")}
            <p class="past-moment" role="status">
                as of <strong>{when}</strong>, stored once a minute{end.value && `, ${end.value}`}
            </p>
            {button(
                "›",
                () => void step(momentsAfter(facts.t || moment, Date.now()), "none after"),
                "The table after",
            )}
            {button("Now", live, "Back to the present")}
        </div>
    );
}

/* The row that is open, as it is now; undefined: none, or it is not there. */
export function useOpenRow(work: TableWork): { table: ColumnTable; slot: number; id: number } | undefined {
    const { location } = usePage();
    const id = Number(location.place.value.query.get("id") ?? NaN);
    void work.lens.painted.value;
    const { table } = work.lens.view.value;
    const slot = Number.isNaN(id) ? undefined : table.slotOf(id);
    return slot === undefined ? undefined : { table, slot, id };
}
