/*
 * Finding by a few letters: every word of the question must occur in the text, letter by letter in
 * order; better are whole stretches, beginnings of words and short texts. Linear in the text for each
 * word, so thousands of candidates are looked at between two key presses.
 */
export interface Match {
    score: number; // larger is better
    at: number[]; // places of the letters in the text, rising
}

const STRETCH = 6;
const BEGINNING = 8;
const APART = 0.6; // taken off for each letter between
const APART_MOST = 12;

/* undefined: it does not match. An empty question matches everything, nothing better than the rest. */
export function fuzzy(question: string, text: string): Match | undefined {
    const lower = text.toLowerCase();
    const at = new Set<number>();
    let score = 0;
    for (const word of question.toLowerCase().split(/\s+/)) {
        if (word === "") continue;
        const found = best(word, lower, text);
        if (!found) return undefined;
        score += found.score;
        for (const i of found.at) at.add(i);
    }
    return { score: score - lower.length * 0.05, at: [...at].sort((a, b) => a - b) };
}

/* As a whole where it occurs, best at the beginning of a word; else letter by letter. */
function best(word: string, lower: string, text: string): Match | undefined {
    let whole: Match | undefined;
    for (let i = lower.indexOf(word); i >= 0; i = lower.indexOf(word, i + 1)) {
        const score = word.length * (STRETCH + 2) + (begins(text, i) ? BEGINNING * 2 : 0) - i * 0.02;
        if (!whole || score > whole.score)
            whole = { score, at: Array.from({ length: word.length }, (_, k) => i + k) };
    }
    if (whole) return whole;
    const at: number[] = [];
    let score = 0;
    let from = 0;
    for (const letter of word) {
        let i = lower.indexOf(letter, from);
        if (i < 0) return undefined;
        // Rather the beginning of a word, if what is left still fits behind it.
        for (let k = i; k >= 0; k = lower.indexOf(letter, k + 1))
            if (begins(text, k)) {
                if (fits(word.slice(at.length + 1), lower, k + 1)) i = k;
                break;
            }
        const before = at.at(-1);
        if (before !== undefined && i === before + 1) score += STRETCH;
        else if (before !== undefined) score -= Math.min((i - before) * APART, APART_MOST);
        if (begins(text, i)) score += BEGINNING;
        at.push(i);
        from = i + 1;
    }
    return { score, at };
}

function fits(rest: string, lower: string, from: number): boolean {
    let i = from - 1;
    for (const letter of rest) {
        i = lower.indexOf(letter, i + 1);
        if (i < 0) return false;
    }
    return true;
}

function begins(text: string, i: number): boolean {
    if (i === 0) return true;
    const before = text[i - 1]!;
    if (!/[\p{L}\p{N}]/u.test(before)) return true;
    return /\p{Ll}/u.test(before) && /\p{Lu}/u.test(text[i]!);
}

/* The text in runs, each in or out of the match. */
export function runsOf(text: string, at: readonly number[]): { text: string; hit: boolean }[] {
    const hits = new Set(at);
    const runs: { text: string; hit: boolean }[] = [];
    for (let i = 0; i < text.length; i++) {
        const hit = hits.has(i);
        const last = runs.at(-1);
        if (last && last.hit === hit) last.text += text[i]!;
        else runs.push({ text: text[i]!, hit });
    }
    return runs;
}
