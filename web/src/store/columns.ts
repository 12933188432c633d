/* Which columns of a table the reader wants to see: kept in the browser, as the preferences are. */
import { signal, type Signal } from "@preact/signals";

const PREFIX = "netsonde.columns.";

/* undefined: as many as there is room for. */
export type Chosen = readonly string[] | undefined;

export class ColumnChoice {
    readonly #key: string;
    readonly #chosen: Signal<Chosen>;

    constructor(table: string) {
        this.#key = PREFIX + table;
        this.#chosen = signal(this.#read());
    }

    get chosen(): Chosen {
        return this.#chosen.value;
    }

    choose(names: Chosen): void {
        this.#chosen.value = names;
        try {
            if (names) localStorage.setItem(this.#key, names.join(" "));
            else localStorage.removeItem(this.#key);
        } catch {
            /* Storage is off: the choice lasts as long as the page. */
        }
    }

    #read(): Chosen {
        try {
            const names = localStorage.getItem(this.#key)?.split(" ").filter(Boolean);
            return names?.length ? names : undefined;
        } catch {
            return undefined;
        }
    }
}
