/*
 * The rows of a table, kept by columns: numbers in typed arrays, texts as numbers of a dictionary.
 * 50,000 connections are 18 arrays and not 50,000 objects, sorting reads keys side by side, and a
 * filter looks at each different text once.
 *
 * A row keeps its slot as long as it lives. Slots of rows that are gone are given away again only by
 * `reclaim`, so what is painted from the slots of a moment ago is the row that it was.
 */
import { small } from "./filter";

export type Row = readonly unknown[];

/* Code 0 is "not known". */
export class Texts {
    codes: Uint32Array;
    strings: string[] = [""];
    smalls: string[] = [""];
    #known = new Map<string, number>();
    #sorted: Uint32Array | undefined; // codes in the order of their texts
    #ranks: Uint32Array | undefined;

    constructor(capacity: number) {
        this.codes = new Uint32Array(capacity);
    }

    codeOf(text: string): number {
        let code = this.#known.get(text);
        if (code === undefined) {
            code = this.strings.length;
            this.strings.push(text);
            this.smalls.push(small(text));
            this.#known.set(text, code);
        }
        return code;
    }

    /* By code: its place among all texts. What was sorted stays sorted: new ones are merged in. */
    ranks(): Uint32Array {
        const count = this.strings.length;
        const old = this.#sorted;
        if (this.#ranks && old?.length === count) return this.#ranks;
        const { strings } = this;
        const before = (a: number, b: number) =>
            strings[a]! < strings[b]! ? -1 : strings[a]! > strings[b]! ? 1 : a - b;
        const fresh: number[] = [];
        for (let code = old?.length ?? 0; code < count; code++) fresh.push(code);
        fresh.sort(before);
        const sorted = new Uint32Array(count);
        const olds = old?.length ?? 0;
        for (let i = 0, o = 0, f = 0; i < count; i++) {
            const takeOld =
                o < olds && (f >= fresh.length || before(old![o]!, fresh[f]!) <= 0);
            sorted[i] = takeOld ? old![o++]! : fresh[f++]!;
        }
        const ranks = new Uint32Array(count);
        for (let i = 0; i < count; i++) ranks[sorted[i]!] = i;
        ranks[0] = 0;
        this.#sorted = sorted;
        return (this.#ranks = ranks);
    }

    /* Forgets texts that no row has any more. */
    compact(size: number): void {
        const { codes, strings } = this;
        this.strings = [""];
        this.smalls = [""];
        this.#known.clear();
        this.#sorted = this.#ranks = undefined;
        for (let i = 0; i < size; i++)
            if (codes[i]) codes[i] = this.codeOf(strings[codes[i]!]!);
    }
}

const CAPACITY_LEAST = 256;
const SPARE_TEXTS = 4096; // that may be forgotten before it is worth the work

export class ColumnTable {
    readonly columns: readonly string[];
    #capacity = CAPACITY_LEAST;
    #size = 0; // slots ever used
    #count = 0; // rows that live
    #ids = new Float64Array(CAPACITY_LEAST);
    #live = new Uint8Array(CAPACITY_LEAST);
    #passes = new Uint32Array(CAPACITY_LEAST);
    #changes = new Float64Array(CAPACITY_LEAST); // a fast table has 2^32 of them in hours
    readonly #slots = new Map<number, number>();
    readonly #stores: (Float64Array | Texts | undefined)[]; // undefined: only nulls so far
    #dead: number[] = []; // gone, but perhaps still painted
    #free: number[] = [];
    #pass = 0;
    #change = 0;

    constructor(columns: readonly string[]) {
        this.columns = columns;
        this.#stores = columns.map(() => undefined);
    }

    get size(): number {
        return this.#size;
    }

    get count(): number {
        return this.#count;
    }

    /* Grows with each row that is put or removed; `changedAt` of a slot is when that was. */
    get change(): number {
        return this.#change;
    }

    changedAt(slot: number): number {
        return this.#changes[slot]!;
    }

    idOf(slot: number): number {
        return this.#ids[slot]!;
    }

    isLive(slot: number): boolean {
        return this.#live[slot] === 1;
    }

    slotOf(id: number): number | undefined {
        return this.#slots.get(id);
    }

    column(name: string): number {
        return this.columns.indexOf(name);
    }

    /* undefined: the column has no numbers. NaN is "not known". */
    numbers(column: number): Float64Array | undefined {
        const store = this.#stores[column];
        return store instanceof Float64Array ? store : undefined;
    }

    texts(column: number): Texts | undefined {
        const store = this.#stores[column];
        return store instanceof Texts ? store : undefined;
    }

    number(column: number, slot: number): number {
        return this.numbers(column)?.[slot] ?? NaN;
    }

    /* "" where nothing is known, or the column has numbers. */
    text(column: number, slot: number): string {
        const texts = this.texts(column);
        return texts ? texts.strings[texts.codes[slot]!]! : "";
    }

    /* The row as the server tells it. */
    rowAt(slot: number): unknown[] {
        return this.columns.map((_, c) => {
            if (c === 0) return this.#ids[slot]!;
            const store = this.#stores[c];
            if (store instanceof Texts)
                return store.codes[slot] ? store.strings[store.codes[slot]!]! : null;
            return store && !Number.isNaN(store[slot]!) ? store[slot]! : null;
        });
    }

    put(row: Row): void {
        const id = row[0];
        if (typeof id !== "number") return;
        let slot = this.#slots.get(id);
        if (slot === undefined) {
            slot = this.#free.pop() ?? this.#size++;
            if (slot >= this.#capacity) this.#grow();
            this.#slots.set(id, slot);
            this.#ids[slot] = id;
            this.#live[slot] = 1;
            this.#count++;
        }
        for (let c = 1; c < this.columns.length; c++) this.#set(c, slot, row[c]);
        this.#passes[slot] = this.#pass;
        this.#changes[slot] = ++this.#change;
    }

    /* A row as it was asked for when `change` was `since`; what was put after that is newer. */
    putOlder(row: Row, since: number): void {
        const slot = typeof row[0] === "number" ? this.#slots.get(row[0]) : undefined;
        if (slot !== undefined && this.#changes[slot]! > since) this.#passes[slot] = this.#pass;
        else this.put(row);
    }

    remove(id: number): void {
        const slot = this.#slots.get(id);
        if (slot === undefined) return;
        this.#slots.delete(id);
        this.#live[slot] = 0;
        this.#changes[slot] = ++this.#change;
        this.#dead.push(slot);
        this.#count--;
    }

    /* From now on rows that are put belong to this pass; `sweep` removes all others, up to an id. */
    begin(): void {
        this.#pass++;
    }

    sweep(upTo = Infinity): void {
        for (const [id, slot] of this.#slots)
            if (id <= upTo && this.#passes[slot] !== this.#pass) this.remove(id);
    }

    /* Nobody paints rows that are gone any more. */
    reclaim(): void {
        this.#free.push(...this.#dead.splice(0));
        const most = 2 * this.#count + SPARE_TEXTS;
        for (const store of this.#stores) {
            if (!(store instanceof Texts) || store.strings.length <= most) continue;
            for (const slot of this.#free) store.codes[slot] = 0;
            store.compact(this.#size);
        }
    }

    #set(column: number, slot: number, value: unknown): void {
        const known = value !== null && value !== undefined;
        let store = this.#stores[column];
        if (!store) {
            if (!known) return;
            store =
                typeof value === "number"
                    ? new Float64Array(this.#capacity).fill(NaN)
                    : new Texts(this.#capacity);
            this.#stores[column] = store;
        }
        if (store instanceof Float64Array) store[slot] = typeof value === "number" ? value : NaN;
        else store.codes[slot] = known ? store.codeOf(textOf(value)) : 0;
    }

    #grow(): void {
        const capacity = this.#capacity * 2;
        this.#capacity = capacity;
        this.#ids = copied(new Float64Array(capacity), this.#ids);
        this.#live = copied(new Uint8Array(capacity), this.#live);
        this.#passes = copied(new Uint32Array(capacity), this.#passes);
        this.#changes = copied(new Float64Array(capacity), this.#changes);
        this.#stores.forEach((store, c) => {
            if (store instanceof Texts)
                store.codes = copied(new Uint32Array(capacity), store.codes);
            else if (store)
                this.#stores[c] = copied(new Float64Array(capacity).fill(NaN), store);
        });
    }
}

/* Lists are lines, as the server keeps them. */
function textOf(value: unknown): string {
    return Array.isArray(value) ? value.map(String).join("\n") : String(value);
}

function copied<T extends Float64Array | Uint32Array | Uint8Array>(to: T, from: T): T {
    to.set(from);
    return to;
}
