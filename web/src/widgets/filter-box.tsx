/*
 * Where a table is filtered: what is wrong is said below it, and in the text; columns are suggested
 * for the word that is being written.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { suggestionsFor, type FilterTrouble } from "../domain/filter";
import { isComposing, stepped } from "./list-keys";

interface FilterBoxProps {
    value: string;
    columns: readonly string[];
    placeholder: string;
    label: string;
    trouble: FilterTrouble | undefined;
    onChange(filter: string): void;
}

export function FilterBox(props: FilterBoxProps) {
    const { value, columns, trouble, onChange } = props;
    const input = useRef<HTMLInputElement>(null);
    const caret = useSignal(-1); // -1: nobody writes
    const chosen = useSignal(-1);
    const open = useSignal(false);
    const found = suggestionsFor(columns, value, Math.max(0, caret.value));
    const names = open.value ? found.names.slice(0, 8) : [];
    const optionId = chosen.value < 0 ? undefined : `filter-column-${chosen.value}`;
    useEffect(() => {
        if (optionId) document.getElementById(optionId)?.scrollIntoView({ block: "nearest" });
    }, [optionId]);
    const take = (name: string) => {
        const rest = value.slice(found.to).replace(/^[ \t]+/, "");
        const at = found.from + name.length + 1;
        onChange(value.slice(0, found.from) + name + ":" + (rest && " " + rest));
        open.value = false;
        requestAnimationFrame(() => {
            input.current?.focus();
            input.current?.setSelectionRange(at, at);
        });
    };
    return (
        <div
            class="filter-box"
            onFocusOut={(e) => {
                const to = e.relatedTarget;
                if (!(to instanceof Node && e.currentTarget.contains(to))) open.value = false;
            }}
        >
            <input
                ref={input}
                type="search"
                id="filter"
                role="combobox"
                aria-label={props.label}
                aria-expanded={names.length > 0}
                aria-controls="filter-columns"
                aria-autocomplete="list"
                aria-activedescendant={names.length ? optionId : undefined}
                aria-invalid={trouble ? "true" : undefined}
                aria-describedby="filter-trouble"
                autocomplete="off"
                spellcheck={false}
                placeholder={props.placeholder}
                value={value}
                onInput={(e) => {
                    caret.value = e.currentTarget.selectionStart ?? 0;
                    open.value = true;
                    chosen.value = -1;
                    onChange(e.currentTarget.value);
                }}
                onKeyDown={(e) => {
                    if (isComposing(e)) return;
                    // The box itself is one of the places, before the first column.
                    const to = names.length ? stepped(e.key, chosen.value + 1, names.length + 1) : undefined;
                    if (to !== undefined) {
                        chosen.value = to - 1;
                        e.preventDefault();
                    } else if (e.key === "Escape") {
                        if (names.length) open.value = false;
                        else if (value) onChange("");
                        else e.currentTarget.blur();
                        e.preventDefault();
                    } else if (e.key === "Enter" && names[chosen.value]) {
                        take(names[chosen.value]!);
                        e.preventDefault();
                    } else if (e.key === "ArrowDown" || e.key === "Enter") {
                        document.querySelector<HTMLElement>(".data-table")?.focus();
                        e.preventDefault();
                    }
                }}
            />
            <ul
                id="filter-columns"
                role="listbox"
                aria-label="Columns"
                class="filter-columns"
                hidden={names.length === 0}
            >
                {names.map((name, i) => (
                    <li
                        key={name}
                        id={`filter-column-${i}`}
                        role="option"
                        aria-selected={i === chosen.value}
                        onPointerDown={(e) => {
                            e.preventDefault();
                            take(name);
                        }}
                    >
                        <strong>{name.slice(0, found.to - found.from)}</strong>
                        {name.slice(found.to - found.from)}
                    </li>
                ))}
            </ul>
            <p id="filter-trouble" class="filter-trouble" role="status">
                {trouble && (
                    <>
                        <span class="filter-wrong">{value.slice(trouble.from, trouble.to)}</span>{" "}
                        {trouble.why}
                    </>
                )}
            </p>
        </div>
    );
}
