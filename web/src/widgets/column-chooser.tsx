/* Which columns are shown: by itself as many as there is room for, or those that the reader wants. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { TableColumn } from "./table-rows";

interface ColumnChooserProps {
    columns: readonly TableColumn[];
    chosen: readonly string[] | undefined; // undefined: by itself
    onChoose(names: readonly string[] | undefined): void;
}

export function ColumnChooser({ columns, chosen, onChoose }: ColumnChooserProps) {
    const box = useRef<HTMLDetailsElement>(null);
    const open = useSignal(false);
    useEffect(() => {
        if (!open.value) return undefined;
        const outside = (e: Event) => {
            if (box.current && e.target instanceof Node && !box.current.contains(e.target))
                box.current.open = false;
        };
        document.addEventListener("pointerdown", outside);
        return () => document.removeEventListener("pointerdown", outside);
    }, [open.value]);
    const names = chosen ?? columns.map((c) => c.name);
    const toggle = (name: string) => {
        const now = names.includes(name) ? names.filter((n) => n !== name) : [...names, name];
        if (now.length) onChoose(now);
    };
    return (
        <details
            ref={box}
            class="menu column-menu"
            onToggle={(e) => (open.value = e.currentTarget.open)}
            onKeyDown={(e) => {
                if (e.key !== "Escape" || !box.current?.open) return;
                box.current.open = false;
                box.current.querySelector("summary")?.focus();
                e.stopPropagation();
                e.preventDefault();
            }}
        >
            <summary class="button" title="Choose columns">
                Columns
            </summary>
            {open.value && (
                <div class="menu-body" role="group" aria-label="Columns">
                    {columns.map((c) => (
                        <label key={c.name} class="column-choice">
                            <input
                                type="checkbox"
                                checked={names.includes(c.name)}
                                onChange={() => toggle(c.name)}
                            />
                            {c.title}
                        </label>
                    ))}
                    <button
                        type="button"
                        class="button"
                        aria-pressed={chosen === undefined}
                        onClick={() => onChoose(undefined)}
                    >
                        As many as fit
                    </button>
                </div>
            )}
        </details>
    );
}
