/*
 * The rows of a table that are in sight: a few elements that are used again and again. They are
 * written without a framework, since a tick of 50,000 rows and a turn of the wheel must both fit into
 * a frame: a row is written only when it is another one, or has changed; a text only when it differs.
 */
import type { ColumnTable } from "../domain/column-table";

export interface TableColumn {
    name: string; // the server's
    title: string;
    width: number; // px, at least
    grow?: number; // of what is left
    right?: boolean; // numbers end at one line
    priority: number; // where there is little room the largest go first; 0 always stays
    card?: string; // its place on a card of a phone: a class
    said?: string; // before its value on a card
    downwards?: boolean; // the first click sorts so
    /* Says what the cell shows. */
    write(cell: TableCell, table: ColumnTable, column: number, slot: number): void;
}

/* One cell. What it says is text, whatever is in it; few elements, since they are laid out often. */
export class TableCell {
    readonly element: HTMLElement;
    readonly #value: Text | HTMLElement;
    readonly #unit: HTMLElement | undefined;
    #text = "";
    #unitText = "";
    #tone = "";

    constructor(spec: TableColumn, index: number) {
        this.element = document.createElement("div");
        this.element.setAttribute("role", "gridcell");
        this.element.setAttribute("aria-colindex", String(index + 1));
        this.element.className = cellClass(spec);
        if (spec.said) this.element.dataset["title"] = spec.said;
        if (!spec.right) {
            this.#value = document.createTextNode("");
            this.element.append(this.#value);
            return;
        }
        this.#value = document.createElement("span");
        this.#value.className = "number";
        this.#unit = document.createElement("span");
        this.#unit.className = "unit";
        this.element.append(this.#value, this.#unit);
    }

    /* tone: a word that the style knows: quiet, nil, warning. */
    set(text: string, unit = "", tone = ""): void {
        if (text !== this.#text) {
            this.#text = text;
            this.#value.textContent = text;
        }
        if (unit !== this.#unitText && this.#unit) {
            this.#unitText = unit;
            this.#unit.textContent = unit;
        }
        if (tone !== this.#tone) {
            this.#tone = tone;
            if (tone) this.element.dataset["tone"] = tone;
            else delete this.element.dataset["tone"];
        }
    }

    get text(): string {
        return [this.#text, this.#unitText].filter(Boolean).join(" ");
    }

    /* What does not fit is told to a pointer that rests on it. */
    explain(): void {
        const { element } = this;
        element.title = element.scrollWidth > element.clientWidth ? this.#text : "";
    }
}

export function cellClass(spec: TableColumn): string {
    const card = spec.card ? ` card-${spec.card}` : "";
    return `cell col-${spec.name}${spec.right ? " number-cell" : ""}${card}`;
}

export class TableRow {
    readonly element: HTMLElement;
    readonly cells: TableCell[];
    #slot = -1;
    #stamp = -1;
    #id = NaN;
    #index = -1;
    #top = -1;
    #marked = "";

    constructor(readonly columns: readonly TableColumn[]) {
        this.element = document.createElement("div");
        this.element.setAttribute("role", "row");
        this.element.className = "data-row";
        this.cells = columns.map((c, i) => new TableCell(c, i));
        this.element.append(...this.cells.map((c) => c.element));
    }

    get id(): number {
        return this.#id;
    }

    /* anew: what is shown may be written in another way now. */
    show(table: ColumnTable, slot: number, index: number, top: number, name: string, anew: boolean): void {
        const { element } = this;
        if (index !== this.#index) {
            this.#index = index;
            element.setAttribute("aria-rowindex", String(index + 2)); // the heads are the first
        }
        if (top !== this.#top) {
            this.#top = top;
            element.style.top = `${top}px`;
        }
        const id = table.idOf(slot);
        if (id !== this.#id) {
            this.#id = id;
            element.id = rowId(name, id);
        }
        const stamp = table.changedAt(slot);
        if (slot === this.#slot && stamp === this.#stamp && !anew) return;
        this.#slot = slot;
        this.#stamp = stamp;
        element.classList.toggle("gone", !table.isLive(slot));
        this.columns.forEach((c, i) => c.write(this.cells[i]!, table, table.column(c.name), slot));
    }

    mark(active: boolean, selected: boolean, cell: number): void {
        const marked = `${active} ${selected} ${active ? cell : -1}`;
        if (marked === this.#marked) return;
        this.#marked = marked;
        this.element.classList.toggle("active", active);
        this.element.setAttribute("aria-selected", String(selected));
        this.cells.forEach((c, i) => c.element.classList.toggle("active", active && i === cell));
    }
}

export function rowId(name: string, id: number): string {
    return `${name}-row-${id}`;
}

/* As many columns as there is room for: the less important ones go first. */
export function columnsThatFit(columns: readonly TableColumn[], width: number): TableColumn[] {
    const kept = [...columns];
    const needed = () => kept.reduce((sum, c) => sum + c.width, 0);
    while (needed() > width) {
        const last = Math.max(...kept.map((c) => c.priority));
        if (last <= 0) break;
        kept.splice(kept.findLastIndex((c) => c.priority === last), 1);
    }
    return kept;
}

export function gridTemplate(columns: readonly TableColumn[]): string {
    return columns
        .map((c) => (c.grow ? `minmax(${c.width}px, ${c.grow}fr)` : `${c.width}px`))
        .join(" ");
}
