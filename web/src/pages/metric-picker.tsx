/*
 * Choosing a metric: a field that says which is chosen and finds others while one types, grouped by
 * family, with what each is about. Patterns are taken as they are typed.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { matched, groupOf, type Family } from "../domain/catalogue";
import { fuzzy, runsOf } from "../domain/fuzzy";
import { isComposing, stepped } from "../widgets/list-keys";

const SHOWN_MOST = 60;

interface PickerProps {
    id: string;
    label: string;
    metric: readonly string[]; // chosen now
    families: readonly Family[];
    onChoose(metric: string[]): void;
    eager?: boolean; // has the keyboard at once
}

interface Option {
    key: string;
    metric: string[];
    title: string;
    at: readonly number[];
    help: string;
    note: string;
    group: string;
}

export function MetricPicker({ id, label, metric, families, onChoose, eager }: PickerProps) {
    const chosen = metric.join(" ");
    const typed = useSignal<string | undefined>(undefined); // undefined: nothing is being looked for
    const here = useSignal(0);
    const box = useRef<HTMLInputElement>(null);
    useLayoutEffect(() => {
        if (eager) box.current?.focus();
    }, []);
    const all = useSignal(families);
    all.value = families;
    const options = useComputed(() =>
        typed.value === undefined ? [] : optionsFor(all.value, typed.value, chosen),
    );
    const list = options.value;
    const open = typed.value !== undefined;
    const at = Math.min(here.value, list.length - 1);
    const optionId = (i: number) => `${id}-option-${i}`;
    useEffect(() => {
        if (open) document.getElementById(optionId(at))?.scrollIntoView({ block: "nearest" });
    }, [open, at]);
    const choose = (o: Option | undefined) => {
        if (!o) return;
        typed.value = undefined;
        if (o.metric.join(" ") !== chosen) onChoose(o.metric);
    };
    const groups = grouped(list);
    return (
        <div class="picker">
            <input
                ref={box}
                id={id}
                class="picker-field"
                role="combobox"
                aria-label={label}
                aria-expanded={open}
                aria-controls={`${id}-list`}
                aria-autocomplete="list"
                aria-activedescendant={open && at >= 0 ? optionId(at) : undefined}
                placeholder="Search a metric: receive, rtt, drops…"
                autocomplete="off"
                spellcheck={false}
                maxLength={256}
                value={typed.value ?? chosen}
                onFocus={(e) => e.currentTarget.select()}
                onClick={() => (typed.value ??= "")}
                onInput={(e) => {
                    typed.value = e.currentTarget.value;
                    here.value = 0;
                }}
                onBlur={() => (typed.value = undefined)}
                onKeyDown={(e) => {
                    if (isComposing(e)) return;
                    const to = stepped(e.key, at, list.length);
                    if (to !== undefined) {
                        e.preventDefault();
                        if (!open) typed.value = "";
                        else here.value = to;
                    } else if (e.key === "Enter" && open) {
                        e.preventDefault();
                        choose(list[at]);
                    } else if (e.key === "Escape" && open) {
                        e.preventDefault();
                        e.stopPropagation();
                        typed.value = undefined;
                    }
                }}
            />
            {open && (
                <div class="picker-panel" onPointerDown={(e) => e.preventDefault()}>
                    <div class="picker-list" role="listbox" id={`${id}-list`} aria-label="Metrics" tabIndex={-1}>
                        {groups.map(({ group, options, first }) => (
                            <div key={group} role="group" aria-label={group}>
                                <div class="picker-group" aria-hidden="true">
                                    {group}
                                </div>
                                {options.map((o, i) => (
                                    <div
                                        key={o.key}
                                        id={optionId(first + i)}
                                        class="picker-option"
                                        role="option"
                                        aria-selected={first + i === at}
                                        onPointerMove={() => (here.value = first + i)}
                                        onClick={() => choose(o)}
                                    >
                                        <bdi class="picker-name">
                                            {runsOf(o.title, o.at).map((r, k) =>
                                                r.hit ? <mark key={k}>{r.text}</mark> : r.text,
                                            )}
                                        </bdi>
                                        <span class="picker-note">{o.note}</span>
                                        <span class="picker-help">{o.help}</span>
                                    </div>
                                ))}
                            </div>
                        ))}
                    </div>
                    <p class="picker-foot" role="status">
                        {list.length === 0
                            ? "Nothing is called so. Fewer letters find more; * and ? stand for any."
                            : `${list.length === SHOWN_MOST ? `The ${SHOWN_MOST} best of ${families.length}` : list.length} · ↑ ↓ choose · Enter takes · Esc closes`}
                    </p>
                </div>
            )}
        </div>
    );
}

function noteOf(f: Family): string {
    const unit = f.kind === "counter" && f.unit ? `${f.unit}, counted` : f.unit;
    return [unit, f.kind, f.series === 1 ? "1 series" : `${f.series} series`].filter(Boolean).join(" · ");
}

function optionsFor(families: readonly Family[], typed: string, chosen: string): Option[] {
    const words = typed.trim();
    const options: Option[] = [];
    const globs = words.split(/\s+/).filter((w) => /[*?[]/.test(w));
    if (globs.length && globs.length === words.split(/\s+/).length) {
        const found = matched(families, globs);
        if (found.length)
            options.push({
                key: "pattern",
                metric: globs,
                title: words,
                at: [],
                help: found.map((f) => f.name).join(", "),
                note: `${found.length} metrics`,
                group: "All that are called so",
            });
        for (const f of found) options.push(optionOf(f, []));
        return options.slice(0, SHOWN_MOST);
    }
    if (words === "") {
        const place = families.findIndex((f) => f.name === chosen);
        const from = Math.max(0, place - 8);
        return families.slice(from, from + SHOWN_MOST).map((f) => optionOf(f, []));
    }
    return families
        .flatMap((f) => {
            const m = fuzzy(words, f.name) ?? undefined;
            const about = m ?? fuzzy(words, `${f.name} ${f.help}`);
            return about ? [{ f, at: m?.at ?? [], score: about.score - (m ? 0 : 20) }] : [];
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, SHOWN_MOST)
        .map(({ f, at }) => optionOf(f, at));
}

function optionOf(f: Family, at: readonly number[]): Option {
    return {
        key: f.name,
        metric: [f.name],
        title: f.name,
        at,
        help: f.help,
        note: noteOf(f),
        group: groupOf(f.name),
    };
}

/* The best first, and with each what belongs beside it. */
function grouped(list: Option[]): { group: string; options: Option[]; first: number }[] {
    const groups = new Map<string, Option[]>();
    for (const o of list) {
        const of = groups.get(o.group) ?? [];
        groups.set(o.group, of);
        of.push(o);
    }
    const order = [...groups.values()].flat();
    list.splice(0, list.length, ...order); // arrows walk as it stands
    let first = 0;
    return [...groups].map(([group, options]) => {
        const entry = { group, options, first };
        first += options.length;
        return entry;
    });
}
