/*
 * Whether a dialog is shown, and for the how many-th time: one that was closed is told so only later,
 * when it may be open again. Each opening is a component of its own, with the number as its key.
 */
import { signal } from "@preact/signals";

export class Openings {
    readonly #shown = signal(0);
    #last = 0;

    /* The number of the opening that is shown; 0: none. */
    get shown(): number {
        return this.#shown.value;
    }

    readonly open = (): void => {
        this.#shown.value = ++this.#last;
    };

    /* This one was closed; another that is open by now stays. */
    closed(opening: number): void {
        if (this.#shown.value === opening) this.#shown.value = 0;
    }
}
