/*
 * A foreign name within a sentence. One that is written from right to left is isolated (Unicode TR 9:
 * FSI and PDI), or it would take the words around it along; characters that turn the writing around,
 * which could end that, are shown as unknown ones.
 */
const CONTROLS = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export function nameIn(name: string, most = 40): string {
    const letters = Array.from(name.replace(CONTROLS, "\ufffd"));
    const cut = letters.length > most ? [...letters.slice(0, most - 1), "…"] : letters;
    const shown = cut.join("");
    return FROM_RIGHT.test(shown) ? `\u2068${shown}\u2069` : shown;
}
