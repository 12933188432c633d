/*
 * A table as the reader wants to see it: which rows pass, in which order. Both are kept and brought
 * up to date: after a tick only rows that changed are looked at again, and sorting takes the keys as
 * they lie in memory (least significant digit first, so equal rows keep the order of the keys behind).
 */
import type { ColumnTable, Texts } from "./column-table";
import { numberText, wholeHolds, type Word } from "./filter";

export interface SortKey {
    column: string;
    descending: boolean;
}

/* The server's own order: rates, then totals, then times, largest first. */
const USUAL = ["rx_rate", "tx_rate", "rx_bytes", "tx_bytes", "t"];

/* "" is the usual order. */
export function parseSortKey(columns: readonly string[], sort: string | null): SortKey | undefined {
    const descending = sort?.startsWith("-") ?? false;
    const column = descending ? sort!.slice(1) : (sort ?? "");
    return columns.includes(column) ? { column, descending } : undefined;
}

export function sortKeyText(key: SortKey | undefined): string {
    return key ? (key.descending ? "-" : "") + key.column : "";
}

export class TableView {
    readonly table: ColumnTable;
    #words: readonly Word[] = [];
    #sort: SortKey | undefined;
    #passing = new Uint8Array(0);
    #seen = -1; // the table's change up to which #passing holds; -1: none of it
    #order = new Uint32Array(0);
    #scratch = new Uint32Array(0);
    readonly #starts = new Uint32Array(3 * 2048); // of each digit of a key
    #count = 0;

    constructor(table: ColumnTable) {
        this.table = table;
    }

    /* Slots in order; the first `count` of them. */
    get order(): Uint32Array {
        return this.#order;
    }

    get count(): number {
        return this.#count;
    }

    filterBy(words: readonly Word[]): void {
        this.#words = words;
        this.#seen = -1;
    }

    sortBy(key: SortKey | undefined): void {
        this.#sort = key;
    }

    refresh(): void {
        const { table } = this;
        const { size } = table;
        if (this.#passing.length < size) {
            const grown = new Uint8Array(size * 2);
            grown.set(this.#passing);
            this.#passing = grown;
            this.#order = new Uint32Array(size * 2);
            this.#scratch = new Uint32Array(size * 2);
        }
        this.#filter();
        let n = 0;
        for (let slot = 0; slot < size; slot++)
            if (this.#passing[slot] === 1) this.#order[n++] = slot;
        this.#count = n;
        this.#arrange();
        table.reclaim();
    }

    #filter(): void {
        const { table } = this;
        const tests = this.#words.map((w) => tester(table, w));
        for (let slot = 0; slot < table.size; slot++) {
            if (table.changedAt(slot) <= this.#seen) continue;
            let passes = table.isLive(slot);
            for (let i = 0; passes && i < tests.length; i++) passes = tests[i]!(slot);
            this.#passing[slot] = passes ? 1 : 0;
        }
        this.#seen = table.change;
    }

    #arrange(): void {
        const { table } = this;
        const keys = this.#sort
            ? [this.#sort]
            : USUAL.map((column): SortKey => ({ column, descending: true }));
        for (const { column, descending } of keys.reverse()) {
            const c = table.column(column);
            const numbers = c === 0 ? idsOf(table) : table.numbers(c);
            const texts = table.texts(c);
            if (numbers) this.#byNumbers(numbers, descending);
            else if (texts) this.#byTexts(texts, descending);
        }
    }

    #byNumbers(values: Float64Array, descending: boolean): void {
        const size = this.table.size;
        const low = new Uint32Array(size);
        const high = new Uint32Array(size);
        const bits = new Uint32Array(values.buffer, values.byteOffset, size * 2);
        for (let i = 0; i < size; i++) {
            let l = bits[2 * i]!;
            let h = bits[2 * i + 1]!;
            const v = values[i]!;
            if (v !== v)
                l = h = 0; // not known: before everything
            else if (h >>> 31) {
                l = ~l;
                h = ~h;
            } else h |= 0x80000000;
            low[i] = descending ? ~l : l;
            high[i] = descending ? ~h : h;
        }
        this.#radix(low);
        this.#radix(high);
    }

    #byTexts(texts: Texts, descending: boolean): void {
        const ranks = texts.ranks();
        const keys = new Uint32Array(this.table.size);
        for (let i = 0; i < keys.length; i++) {
            const rank = ranks[texts.codes[i]!]!;
            keys[i] = descending ? ~rank : rank;
        }
        this.#radix(keys);
    }

    /* Sorts the order by these keys of the slots; equal ones stay as they are. */
    #radix(keys: Uint32Array): void {
        const n = this.#count;
        const starts = this.#starts.fill(0);
        for (let i = 0; i < n; i++) {
            const key = keys[this.#order[i]!]!;
            starts[key & 2047]!++;
            starts[2048 + ((key >>> 11) & 2047)]!++;
            starts[4096 + (key >>> 22)]!++;
        }
        for (let digit = 0; digit < 3; digit++) {
            const [order, sorted] = [this.#order, this.#scratch];
            const [from, shift] = [digit * 2048, digit * 11];
            if (n === 0 || starts[from + ((keys[order[0]!]! >>> shift) & 2047)] === n) continue;
            let sum = 0;
            for (let d = from; d < from + 2048; d++) {
                const count = starts[d]!;
                starts[d] = sum;
                sum += count;
            }
            for (let i = 0; i < n; i++) {
                const slot = order[i]!;
                sorted[starts[from + ((keys[slot]! >>> shift) & 2047)]!++] = slot;
            }
            this.#scratch = order;
            this.#order = sorted;
        }
    }
}

function idsOf(table: ColumnTable): Float64Array {
    const ids = new Float64Array(table.size);
    for (let slot = 0; slot < ids.length; slot++) ids[slot] = table.idOf(slot);
    return ids;
}

type Test = (slot: number) => boolean;

/* Whether a row has what the word asks for. */
function tester(table: ColumnTable, word: Word): Test {
    const has = word.compare
        ? compareTester(table, word)
        : word.column === 0
          ? (slot: number) => numberText(table.idOf(slot)).includes(word.text)
          : anyOf(
                (word.column > 0 ? [word.column] : table.columns.map((_, c) => c).slice(1)).flatMap(
                    (c) => cellTester(table, c, word),
                ),
            );
    return word.negate ? (slot) => !has(slot) : has;
}

function compareTester(table: ColumnTable, { column, compare, number }: Word): Test {
    const value =
        column === 0
            ? (slot: number) => table.idOf(slot)
            : (slot: number) => table.number(column, slot);
    return compare === "<" ? (slot) => value(slot) < number : (slot) => value(slot) > number;
}

/* Texts first: they are the cheapest. */
function anyOf(tests: { cost: number; test: Test }[]): Test {
    const list = tests.sort((a, b) => a.cost - b.cost).map((t) => t.test);
    return (slot) => {
        for (let i = 0; i < list.length; i++) if (list[i]!(slot)) return true;
        return false;
    };
}

function cellTester(table: ColumnTable, column: number, word: Word): { cost: number; test: Test }[] {
    const texts = table.texts(column);
    if (texts) {
        // Each different text once, when it is first met.
        const known = new Uint8Array(texts.strings.length);
        const test = (slot: number) => {
            const code = texts.codes[slot]!;
            if (code === 0) return false;
            if (known[code] === 0) known[code] = texts.smalls[code]!.includes(word.text) ? 1 : 2;
            return known[code] === 1;
        };
        return [{ cost: 0, test }];
    }
    const numbers = table.numbers(column);
    if (!numbers || !word.numeric) return [];
    return [{ cost: 1, test: numberTester(numbers, word.text) }];
}

/* The texts of numbers are made only where arithmetic cannot tell. */
function numberTester(numbers: Float64Array, text: string): Test {
    const plain = /^\d{1,9}$/.test(text);
    const wanted = Number(text);
    const size = 10 ** text.length;
    const zero = text.startsWith("0");
    const broken = text.includes(".");
    return (slot) => {
        const v = numbers[slot]!;
        if (v !== v || (broken && Number.isInteger(v))) return false;
        if (plain && Number.isInteger(v) && v >= 0 && v < 2 ** 53)
            return wholeHolds(v, wanted, size, zero);
        return numberText(v).includes(text);
    };
}
