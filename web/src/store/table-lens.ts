/*
 * What a page sees of a whole table: the rows that pass its filter in its order. A change of the
 * reader's acts at once; what the server brings changes cells at once, but places of rows at most
 * once a second, and not while the page holds the order because a hand is over it.
 */
import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Cancel, Clock } from "../base/clock";
import { parseFilter, type FilterTrouble, type Word } from "../domain/filter";
import { parseSortKey, TableView, type SortKey } from "../domain/table-view";
import type { FullTable } from "./full-table";

const ARRANGE_NOT_BEFORE_MS = 900; // ticks come each second, some a little early

export class TableLens {
    readonly #full: FullTable;
    readonly #clock: Clock;
    readonly #view;
    readonly #painted = signal(0);
    readonly #trouble = signal<FilterTrouble | undefined>(undefined);
    readonly #sort = signal<SortKey | undefined>(undefined);
    readonly #held = signal(false);
    #filterText = "";
    #sortText: string | null = null;
    #words: readonly Word[] = [];
    #arrangedAt = -Infinity;
    #later: Cancel | undefined;
    #loaded = false;

    readonly view: ReadonlySignal<TableView>;
    /* Grows whenever cells or places changed. */
    readonly painted: ReadonlySignal<number> = this.#painted;
    /* What is wrong with the filter; the rows are then those of the last good one. */
    readonly trouble: ReadonlySignal<FilterTrouble | undefined> = this.#trouble;
    readonly sort: ReadonlySignal<SortKey | undefined> = this.#sort;
    readonly held: ReadonlySignal<boolean> = this.#held;

    constructor(full: FullTable, clock: Clock) {
        this.#full = full;
        this.#clock = clock;
        this.#view = signal(new TableView(full.table.peek()));
        this.view = this.#view;
    }

    /* Until the returned function is called. */
    start(): () => void {
        const stop = effect(() => {
            const { loaded } = this.#full.facts.value;
            const table = this.#full.table.value;
            untracked(() => {
                if (table !== this.#view.peek().table) {
                    this.#view.value = new TableView(table);
                    this.#seek();
                } else if (loaded && !this.#loaded) this.#arrange();
                else this.#bring();
                this.#loaded = loaded;
            });
        });
        return () => {
            stop();
            this.#later?.();
            this.#later = undefined;
        };
    }

    seek(filter: string, sort: string | null): void {
        if (filter === this.#filterText && sort === this.#sortText) return;
        this.#filterText = filter;
        this.#sortText = sort;
        this.#seek();
    }

    hold(held: boolean): void {
        if (held === this.#held.peek()) return;
        this.#held.value = held;
        if (!held) this.#bring();
    }

    #seek(): void {
        const view = this.#view.peek();
        const { columns } = view.table;
        if (columns.length > 1) {
            const parsed = parseFilter(columns, this.#filterText);
            this.#trouble.value = parsed.ok ? undefined : parsed.trouble;
            if (parsed.ok) this.#words = parsed.words;
            this.#sort.value = parseSortKey(columns, this.#sortText);
            const good = parsed.ok ? this.#filterText : "";
            this.#full.prefer(good, this.#sort.value ? this.#sortText! : "");
        }
        view.filterBy(this.#words);
        view.sortBy(this.#sort.peek());
        this.#arrange();
    }

    /* New cells now, new places when it is time. */
    #bring(): void {
        const wait = this.#arrangedAt + ARRANGE_NOT_BEFORE_MS - this.#clock.now();
        if (!this.#held.peek()) {
            if (wait <= 0) {
                this.#arrange();
                return;
            }
            this.#later ??= this.#clock.after(wait, () => {
                this.#later = undefined;
                this.#bring();
            });
        }
        this.#painted.value++;
    }

    #arrange(): void {
        this.#later?.();
        this.#later = undefined;
        this.#arrangedAt = this.#clock.now();
        this.#view.peek().refresh();
        this.#painted.value++;
    }
}
