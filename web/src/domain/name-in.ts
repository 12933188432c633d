/*
 * A foreign name within a sentence. One that is written from right to left, or turns the writing
 * around, is isolated (Unicode TR 9: FSI and PDI), or it would take the words around it along.
 */
const TURNS =
    /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export function nameIn(name: string, most = 40): string {
    const letters = Array.from(name);
    const cut = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
    return TURNS.test(cut) ? `\u2068${cut}\u2069` : cut;
}
