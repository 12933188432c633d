/*
 * A table of any number of rows, of which those in sight exist. It is one stop of the Tab key: arrows,
 * page keys, Home and End walk through the rows, left and right through the cells of one, Enter opens,
 * Ctrl+C copies. The row one is at is remembered by its id, so it stays when others move.
 *
 * Rows do not change places under a hand: the page is told to hold the order while the pointer is over
 * them, and for a moment after each key. Values go on changing meanwhile; rows that end are crossed out.
 */
import { effect, useSignal, type ReadonlySignal } from "@preact/signals";
import {
    elementScroll,
    observeElementOffset,
    observeElementRect,
    Virtualizer,
} from "@tanstack/virtual-core";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { SortKey, TableView } from "../domain/table-view";
import { cellClass, columnsThatFit, gridTemplate, rowId, TableRow, type TableColumn } from "./table-rows";

const ROW_PX = 32;
const CARD_PX = 68;
const HEAD_PX = 32;
const CARDS_BELOW_PX = 640;
const KEYS_HOLD_MS = 3000;
const POINTER_HOLD_MS = 30_000; // a pointer that was left lying there holds nothing for ever
const OVERSCAN = 3;

export interface DataTableProps {
    name: string; // in ids
    label: string;
    view: ReadonlySignal<TableView>;
    painted: ReadonlySignal<number>; // grows when there is something new to show
    columns: readonly TableColumn[]; // to choose from, in order
    chosen: readonly string[] | undefined; // undefined: as many as there is room for
    sort: SortKey | undefined;
    onSort(key: SortKey): void;
    selected: number | undefined; // the id of the row that is open
    onOpen(id: number): void;
    held: boolean; // the order is: rows that ended are still there, and crossed out
    onHold(held: boolean): void;
    dress: unknown; // changes when values are written in another way
}

/* What is at work between two renderings: the elements and what they show. */
class Body {
    rows: TableRow[] = [];
    columns: readonly TableColumn[] = [];
    cards = false;
    activeId = NaN;
    activeCell = -1;
    selected: number | undefined;
    view: TableView | undefined;
    count = 0;
    virtualizer: Virtualizer<HTMLElement, HTMLElement> | undefined;

    constructor(
        readonly name: string,
        readonly scroller: HTMLElement,
        readonly body: HTMLElement,
    ) {}

    get rowPx(): number {
        return this.cards ? CARD_PX : ROW_PX;
    }

    /* Other columns need other elements. */
    dressIn(columns: readonly TableColumn[]): void {
        this.columns = columns;
        this.rows = [];
        this.body.replaceChildren();
        this.scroller.style.setProperty("--columns", gridTemplate(columns));
        const width = columns.reduce((sum, c) => sum + c.width, 0);
        this.scroller.style.setProperty("--least", this.cards ? "0" : `${width}px`);
    }

    /* The place of the active row among those shown. Looked for where it was, then everywhere. */
    indexOf(id: number): number {
        const { view } = this;
        const slot = view?.table.slotOf(id);
        if (!view || slot === undefined) return -1;
        const at = view.order.subarray(0, view.count).indexOf(slot);
        return at;
    }

    paint(anew: boolean): void {
        const { view, virtualizer } = this;
        if (!view || !virtualizer) return;
        const items = virtualizer.getVirtualItems();
        const shown = new Set<TableRow>();
        for (const item of items) {
            const slot = view.order[item.index];
            if (item.index >= view.count || slot === undefined) continue;
            const row = this.#rowFor(item.index, items.length);
            row.show(view.table, slot, item.index, item.start, this.name, anew);
            row.mark(row.id === this.activeId, row.id === this.selected, this.activeCell);
            if (row.element.hidden) row.element.hidden = false;
            shown.add(row);
        }
        for (const row of this.rows) if (!shown.has(row)) row.element.hidden = true;
        const active = document.getElementById(rowId(this.name, this.activeId));
        const id = active && !active.hidden ? active.id : undefined;
        if (id) this.scroller.setAttribute("aria-activedescendant", id);
        else this.scroller.removeAttribute("aria-activedescendant");
    }

    /* Neighbours are other elements, so scrolling by one writes one. */
    #rowFor(index: number, least: number): TableRow {
        while (this.rows.length < least) {
            const row = new TableRow(this.columns);
            this.rows.push(row);
            this.body.append(row.element);
        }
        return this.rows[index % this.rows.length]!;
    }

    /* True when the key was one of the table's. */
    key(e: KeyboardEvent, open: (id: number) => void): boolean {
        const { view } = this;
        if (!view || view.count === 0) return false;
        const at = this.indexOf(this.activeId);
        const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowPx) - 2);
        const steps: Record<string, number> = {
            ArrowDown: at + 1,
            ArrowUp: at - 1,
            PageDown: at + page,
            PageUp: at - page,
            Home: 0,
            End: view.count - 1,
        };
        const to = steps[e.key];
        if (to !== undefined) {
            this.goTo(Math.min(Math.max(to, 0), view.count - 1));
            return true;
        }
        if (e.key === "ArrowRight" || e.key === "ArrowLeft") {
            const step = e.key === "ArrowRight" ? 1 : -1;
            const last = this.columns.length - 1;
            this.activeCell = Math.min(Math.max(this.activeCell + step, -1), last);
            this.paint(false);
            return true;
        }
        if (e.key === "Enter" && at >= 0) {
            open(this.activeId);
            return true;
        }
        return false;
    }

    goTo(index: number): void {
        const { view } = this;
        if (!view) return;
        this.activeId = view.table.idOf(view.order[index]!);
        this.virtualizer?.scrollToIndex(index, { align: "auto" });
        this.paint(false);
    }

    /* The cell that one is at, or the whole row. */
    copied(): string | undefined {
        const row = this.rows.find((r) => r.id === this.activeId && !r.element.hidden);
        if (!row) return undefined;
        if (this.activeCell >= 0) return row.cells[this.activeCell]?.text;
        return row.cells.map((c) => c.text.replace(/[\t\r\n]+/g, " ")).join("\t");
    }
}

export function DataTable(props: DataTableProps) {
    const scroller = useRef<HTMLDivElement>(null);
    const inner = useRef<HTMLDivElement>(null);
    const work = useRef<Body>();
    const width = useSignal(0);
    const copied = useSignal("");
    const newest = useRef(props);
    newest.current = props;
    const { columns, chosen, sort, selected, view, dress } = props;
    const cards = width.value > 0 && width.value < CARDS_BELOW_PX;
    const shown = useMemo(() => {
        if (cards) return columns.filter((c) => c.card);
        if (chosen) return columns.filter((c) => chosen.includes(c.name));
        return columnsThatFit(columns, width.value || 1200);
    }, [columns, chosen, cards, width.value]);

    useLayoutEffect(() => {
        const element = scroller.current!;
        const body = (work.current = new Body(props.name, element, inner.current!));
        const options = {
            count: 0,
            getScrollElement: () => element,
            estimateSize: () => body.rowPx,
            scrollToFn: elementScroll,
            observeElementRect,
            observeElementOffset,
            overscan: OVERSCAN,
            scrollPaddingEnd: HEAD_PX,
            onChange: () => body.paint(false),
        };
        const virtualizer = new Virtualizer<HTMLElement, HTMLElement>(options);
        body.virtualizer = virtualizer;
        const unmount = virtualizer._didMount();
        virtualizer._willUpdate();
        const observer = new ResizeObserver(() => (width.value = element.clientWidth));
        observer.observe(element);
        width.value = element.clientWidth;
        const stop = effect(() => {
            void newest.current.painted.value;
            const shownView = newest.current.view.value;
            body.view = shownView;
            const { count } = shownView;
            if (count !== body.count || virtualizer.options.count !== count) {
                body.count = count;
                virtualizer.setOptions({ ...virtualizer.options, count });
                virtualizer._willUpdate();
                element.setAttribute("aria-rowcount", String(count + 1));
                body.body.style.height = `${count * body.rowPx}px`;
            }
            body.paint(false);
        });
        return () => {
            stop();
            observer.disconnect();
            unmount();
            work.current = undefined;
        };
    }, []);

    useLayoutEffect(() => {
        const body = work.current!;
        body.cards = cards;
        body.dressIn(shown);
        body.virtualizer?.measure();
        body.body.style.height = `${body.count * body.rowPx}px`;
        body.paint(true);
    }, [shown, cards]);

    useLayoutEffect(() => {
        const body = work.current!;
        body.selected = selected;
        if (selected !== undefined && Number.isNaN(body.activeId)) body.activeId = selected;
        body.paint(true);
    }, [selected, dress, view]);

    const hold = useHold((held) => newest.current.onHold(held));
    const sortBy = (column: TableColumn) => {
        const same = sort?.column === column.name;
        const descending = same ? !sort.descending : column.downwards === true;
        props.onSort({ column: column.name, descending });
    };
    const copy = (e: ClipboardEvent) => {
        if (window.getSelection()?.toString()) return;
        const text = work.current?.copied();
        if (text === undefined) return;
        e.clipboardData?.setData("text/plain", text);
        e.preventDefault();
        copied.value = `Copied: ${text.slice(0, 80)}`;
    };
    return (
        <>
            <div
                ref={scroller}
                class={`data-table${cards ? " cards" : ""}${props.held ? " held" : ""}`}
                role="grid"
                aria-label={props.label}
                aria-colcount={shown.length}
                aria-describedby={`${props.name}-keys`}
                tabIndex={0}
                onKeyDown={(e) => {
                    if (e.ctrlKey || e.metaKey || e.altKey || e.target !== scroller.current) return;
                    if (!work.current?.key(e, props.onOpen)) return;
                    hold.touch();
                    e.preventDefault();
                    e.stopPropagation();
                }}
                onCopy={copy}
                onFocus={(e) => {
                    const body = work.current!;
                    if (e.target === scroller.current && body.indexOf(body.activeId) < 0)
                        body.activeId = NaN;
                }}
            >
                <div role="rowgroup" class="data-head">
                    <div role="row" class="data-row" aria-rowindex={1}>
                        {shown.map((c, i) => (
                            <div
                                key={c.name}
                                role="columnheader"
                                class={cellClass(c)}
                                aria-colindex={i + 1}
                                aria-sort={
                                    sort?.column !== c.name
                                        ? "none"
                                        : sort.descending
                                          ? "descending"
                                          : "ascending"
                                }
                            >
                                <button type="button" title={c.name} onClick={() => sortBy(c)}>
                                    {c.title}
                                    <span class="sort-mark" aria-hidden="true" />
                                </button>
                            </div>
                        ))}
                    </div>
                </div>
                <div
                    ref={inner}
                    role="rowgroup"
                    class="data-body"
                    onPointerMove={(e) => e.pointerType === "mouse" && hold.over(true)}
                    onPointerLeave={() => hold.over(false)}
                    onPointerOver={(e) => {
                        const at = e.target instanceof Element && e.target.closest(".cell");
                        const cells = work.current!.rows.flatMap((r) => r.cells);
                        cells.find((c) => c.element === at)?.explain();
                    }}
                    onClick={(e) => {
                        const body = work.current!;
                        const at = e.target as Element;
                        const row = body.rows.find((r) => r.element.contains(at));
                        if (!row || window.getSelection()?.toString()) return;
                        body.activeId = row.id;
                        body.activeCell = row.cells.findIndex((c) => c.element.contains(at));
                        scroller.current?.focus({ preventScroll: true });
                        body.paint(false);
                        props.onOpen(row.id);
                    }}
                />
            </div>
            <p class="visually-hidden" id={`${props.name}-keys`}>
                Arrow keys walk, Enter opens a row, Control C copies it.
            </p>
            <p class="visually-hidden" role="status">
                {copied.value}
            </p>
        </>
    );
}

/* Held while the pointer is over the rows and was moved lately, and for a moment after each key. */
function useHold(tell: (held: boolean) => void) {
    const state = useRef({ until: 0, timer: 0 });
    useLayoutEffect(() => () => clearTimeout(state.current.timer), []);
    return useMemo(() => {
        const s = state.current;
        const holdFor = (ms: number) => {
            s.until = performance.now() + ms;
            if (s.timer) return;
            tell(true);
            const look = () => {
                const left = s.until - performance.now();
                s.timer = left > 0 ? window.setTimeout(look, left) : 0;
                if (!s.timer) tell(false);
            };
            s.timer = window.setTimeout(look, ms);
        };
        const release = () => {
            clearTimeout(s.timer);
            s.timer = 0;
            tell(false);
        };
        return {
            over: (is: boolean) => (is ? holdFor(POINTER_HOLD_MS) : release()),
            touch: () => holdFor(KEYS_HOLD_MS),
        };
    }, []);
}
