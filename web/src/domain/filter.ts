/*
 * The filter of a table, as the server reads it (docs/PROTOCOL.md, src/model/view.c): words separated
 * by blanks, all of which must hold: `text` in any cell, `col:text` in that column, `col>num`,
 * `col<num`, `-word` for the opposite. Text compares without case (ASCII), numbers as they are
 * written. Here it acts at once on the rows that the page has; what it shows is what the server would.
 */
import { fail, ok, type Result } from "../base/result";

export const WORDS_MOST = 16;
export const FILTER_BYTES_MOST = 4096;

export interface Word {
    negate: boolean;
    column: number; // -1: any but the id
    compare: "" | "<" | ">";
    number: number;
    text: string; // in small letters
    numeric: boolean; // may be a part of a number
}

export interface FilterTrouble {
    why: string;
    from: number; // of the word at fault in the text
    to: number;
}

export type ParsedFilter =
    { ok: true; words: readonly Word[] } | { ok: false; trouble: FilterTrouble };

/* As the server's: only ASCII letters have a small form. */
export function small(text: string): string {
    return text.replace(/[A-Z]+/g, (t) => t.toLowerCase());
}

export function parseFilter(columns: readonly string[], filter: string): ParsedFilter {
    const wrong = (why: string, from: number, to: number): ParsedFilter => ({
        ok: false,
        trouble: { why, from, to },
    });
    if (new TextEncoder().encode(filter).length > FILTER_BYTES_MOST)
        return wrong(`at most ${FILTER_BYTES_MOST} bytes`, 0, filter.length);
    const words: Word[] = [];
    for (const m of filter.matchAll(/[^ \t]+/g)) {
        const [from, to] = [m.index, m.index + m[0].length];
        if (words.length === WORDS_MOST) return wrong(`at most ${WORDS_MOST} words`, from, to);
        const word = parseWord(columns, m[0]);
        if (!word.ok) return wrong(word.error, from, to);
        words.push(word.value);
    }
    return { ok: true, words };
}

/* A word whose column is unknown is plain text: an address such as fe80::1 has a colon too. */
function parseWord(columns: readonly string[], whole: string): Result<Word> {
    const negate = whole.length > 1 && whole.startsWith("-");
    const text = negate ? whole.slice(1) : whole;
    const at = text.search(/[:<>]/);
    const column = at > 0 ? columns.indexOf(text.slice(0, at)) : -1;
    if (column < 0) {
        if (at > 0 && text[at] !== ":")
            return fail(`there is no column \u201c${text.slice(0, at)}\u201d`);
        return ok(wordOf(negate, -1, "", NaN, text));
    }
    const value = text.slice(at + 1);
    if (text[at] === ":") return ok(wordOf(negate, column, "", NaN, value));
    const number = numberOf(value);
    if (Number.isNaN(number)) return fail(`\u201c${value}\u201d is not a number`);
    return ok(wordOf(negate, column, text[at] as "<" | ">", number, value));
}

function wordOf(
    negate: boolean,
    column: number,
    compare: Word["compare"],
    number: number,
    value: string,
): Word {
    const text = small(value);
    return { negate, column, compare, number, text, numeric: /^[0-9.+\-eE]*$/.test(value) };
}

/* Decimal and finite; anything else is NaN. */
function numberOf(text: string): number {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return NaN;
    const value = Number(text);
    return Number.isFinite(value) ? value : NaN;
}

/* A number as the server writes it; to six significant digits it has rounded it itself. */
export function numberText(value: number): string {
    const size = Math.abs(value);
    if ((size > 0 && size < 1e-6) || size >= 1e21) return exponential(value);
    return String(value);
}

/* As C's %.6g writes them: 1.5e-07. */
function exponential(value: number): string {
    return value
        .toExponential(5)
        .replace(/\.?0+e/, "e")
        .replace(/e([+-])(\d)$/, "e$10$2");
}

/*
 * Whether the digits of a whole number below 2^53 hold these, by arithmetic: a text would have to be
 * made of each cell. wanted: the digits as a number; size: the power of ten above them; zero: they
 * begin with one.
 */
export function wholeHolds(value: number, wanted: number, size: number, zero: boolean): boolean {
    // Digits that begin with a zero need one before them; a lone zero is a number, too.
    const least = zero ? size : size / 10;
    let v = value;
    if (v === 0) return wanted === 0 && size === 10;
    while (v >= least) {
        if (v % size === wanted) return true;
        v = Math.floor(v / 10);
    }
    return false;
}

/* What may stand where the reader is writing: columns that begin with the word at the caret. */
export function suggestionsFor(
    columns: readonly string[],
    filter: string,
    caret: number,
): { from: number; to: number; names: string[] } {
    const from = filter.slice(0, caret).search(/[^ \t]*$/);
    const length = filter.slice(from).search(/[ \t]|$/);
    const word = filter.slice(from, caret);
    const start = from + (word.startsWith("-") ? 1 : 0);
    const begun = filter.slice(start, caret);
    const names =
        begun === "" || /[:<>]/.test(begun)
            ? []
            : columns.filter((c) => c !== "id" && c.startsWith(small(begun)));
    return { from: start, to: from + length, names };
}

/* The filter with this word added, or taken away where it is there. */
export function withWord(filter: string, word: string): string {
    const words = filter.split(/[ \t]+/).filter(Boolean);
    return words.includes(word)
        ? words.filter((w) => w !== word).join(" ")
        : [...words, word].join(" ");
}

/* A value as one word; a blank ends a word, so only what is before it is asked for. */
export function wordFor(column: string, value: string): string {
    const [first = ""] = value.split(/[ \t]/).filter(Boolean);
    return `${column}:${first}`;
}
