/*
 * Name patterns as the server has them: `*` any text, `?` one character, `[a-c]`, `[!a]` one of a set,
 * a backslash takes the next character as it is. In time that grows with text times pattern, whatever
 * the pattern: it may be anybody's.
 */
export function globMatches(glob: string, text: string): boolean {
    const pattern = [...glob];
    const letters = [...text];
    let p = 0;
    let t = 0;
    let star = -1; // the newest `*`, and where the text stood then
    let mark = 0;
    while (t < letters.length) {
        if (pattern[p] === "*") {
            star = p++;
            mark = t;
            continue;
        }
        const next = p < pattern.length ? one(pattern, p, letters[t]!) : -1;
        if (next >= 0) {
            p = next;
            t++;
        } else if (star >= 0) {
            p = star + 1;
            t = ++mark;
        } else return false;
    }
    while (pattern[p] === "*") p++;
    return p === pattern.length;
}

/* Where the pattern goes on behind what stands for this letter; -1: it does not. */
function one(pattern: readonly string[], p: number, letter: string): number {
    const c = pattern[p]!;
    if (c === "?") return p + 1;
    if (c === "\\" && p + 1 < pattern.length) return pattern[p + 1] === letter ? p + 2 : -1;
    if (c === "[") {
        const end = pattern.indexOf("]", p + (pattern[p + 1] === "!" ? 3 : 2));
        if (end >= 0) return inSet(pattern.slice(p + 1, end), letter) ? end + 1 : -1;
    }
    return c === letter ? p + 1 : -1;
}

function inSet(set: readonly string[], letter: string): boolean {
    const not = set[0] === "!";
    let found = false;
    for (let i = not ? 1 : 0; i < set.length; i++) {
        if (set[i + 1] === "-" && i + 2 < set.length) {
            found ||= set[i]! <= letter && letter <= set[i + 2]!;
            i += 2;
        } else found ||= set[i] === letter;
    }
    return found !== not;
}
