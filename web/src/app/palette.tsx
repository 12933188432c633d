/*
 * One box that finds everything: a combobox over a list, in a native dialog. What was chosen last
 * stands first while nothing is typed; letters that match are marked.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { fuzzy, runsOf } from "../domain/fuzzy";
import { usePage } from "../pages/context";
import { connectionCommands, fixedCommands, namedCommands, type Command } from "./commands";

const SHOWN_MOST = 60;
const RECENT_MOST = 8;
const RECENT_KEY = "netsonde.recent";
const ASK_AFTER_MS = 200;

interface Found {
    command: Command;
    at: readonly number[];
}

export function Palette({ onClose }: { onClose(): void }) {
    const page = usePage();
    const dialog = useRef<HTMLDialogElement>(null);
    const question = useSignal("");
    const chosen = useSignal(0);
    const named = useSignal<readonly Command[]>([]);
    const connections = useSignal<readonly Command[]>([]);
    const recent = useRef(recentIds()).current;

    useEffect(() => {
        dialog.current!.showModal();
        const stop = new AbortController();
        void namedCommands(page, stop.signal).then((list) => {
            if (!stop.signal.aborted) named.value = list;
        });
        return () => stop.abort();
    }, []);

    const asked = question.value;
    useEffect(() => {
        const stop = new AbortController();
        const timer = setTimeout(() => {
            void connectionCommands(page, asked, stop.signal).then((list) => {
                if (!stop.signal.aborted) connections.value = list;
            });
        }, ASK_AFTER_MS);
        return () => {
            clearTimeout(timer);
            stop.abort();
        };
    }, [asked]);

    const found = useComputed(() =>
        findIn([...fixedCommands(page), ...named.value, ...connections.value], question.value, recent),
    );
    const list = found.value;
    const here = Math.min(chosen.value, list.length - 1);
    const run = (f: Found | undefined) => {
        if (!f) return;
        remember(f.command.id);
        dialog.current!.close();
        f.command.run();
    };
    const move = (by: number) => {
        if (list.length) chosen.value = (here + by + list.length) % list.length;
    };
    useEffect(() => {
        document.getElementById(optionId(here))?.scrollIntoView({ block: "nearest" });
    }, [here, list]);

    return (
        <dialog
            ref={dialog}
            class="palette"
            aria-label="Search and commands"
            onClose={onClose}
            onClick={(e) => e.target === dialog.current && dialog.current!.close()}
        >
            <input
                class="palette-question"
                role="combobox"
                aria-label="Search pages, times, choices, devices, processes, metrics, rules"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-autocomplete="list"
                aria-activedescendant={here >= 0 ? optionId(here) : undefined}
                placeholder="Page, time, device, process, metric, rule, address…"
                autocomplete="off"
                spellcheck={false}
                maxLength={200}
                autofocus
                value={question.value}
                onInput={(e) => {
                    question.value = e.currentTarget.value;
                    chosen.value = 0;
                }}
                onKeyDown={(e) => {
                    const by = STEPS[e.key];
                    if (by !== undefined) {
                        e.preventDefault();
                        move(by);
                    } else if (e.key === "Enter") {
                        e.preventDefault();
                        run(list[here]);
                    } else if (e.key.toLowerCase() === "k" && (e.ctrlKey || e.metaKey)) {
                        e.preventDefault();
                        dialog.current!.close();
                    }
                }}
            />
            <div class="palette-list" role="listbox" id="palette-list" aria-label="Found">
                {list.map((f, i) => (
                    <div
                        key={f.command.id}
                        id={optionId(i)}
                        class="palette-option"
                        role="option"
                        aria-selected={i === here}
                        onPointerMove={() => (chosen.value = i)}
                        onClick={() => run(f)}
                    >
                        <bdi class="palette-title">
                            {runsOf(f.command.title, f.at).map((r, k) =>
                                r.hit ? <mark key={k}>{r.text}</mark> : r.text,
                            )}
                        </bdi>
                        {f.command.hint && <bdi class="palette-hint">{f.command.hint}</bdi>}
                        <span class="palette-group">{f.command.group}</span>
                    </div>
                ))}
            </div>
            <p class="palette-foot" role="status">
                {list.length === 0
                    ? "Nothing is called so. Try fewer letters."
                    : `${list.length === SHOWN_MOST ? `The ${SHOWN_MOST} best` : list.length} · ↑ ↓ choose · Enter opens · Esc closes`}
            </p>
        </dialog>
    );
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

const optionId = (i: number) => `palette-${i}`;

export function findIn(
    all: readonly Command[],
    question: string,
    recent: readonly string[],
): Found[] {
    const place = (c: Command) => {
        const i = recent.indexOf(c.id);
        return i < 0 ? recent.length : i;
    };
    if (question.trim() === "")
        return [...all]
            .sort((a, b) => place(a) - place(b))
            .slice(0, SHOWN_MOST)
            .map((command) => ({ command, at: [] }));
    return all
        .flatMap((command) => {
            const m = fuzzy(question, command.title);
            if (!m) return [];
            // Between equals what was chosen lately.
            return [{ command, at: m.at, score: m.score + (recent.length - place(command)) * 0.5 }];
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, SHOWN_MOST);
}

function recentIds(): readonly string[] {
    try {
        const stored: unknown = JSON.parse(localStorage.getItem(RECENT_KEY) ?? "[]");
        return Array.isArray(stored)
            ? stored.filter((s): s is string => typeof s === "string").slice(0, RECENT_MOST)
            : [];
    } catch {
        return [];
    }
}

function remember(id: string): void {
    try {
        const ids = [id, ...recentIds().filter((r) => r !== id)].slice(0, RECENT_MOST);
        localStorage.setItem(RECENT_KEY, JSON.stringify(ids));
    } catch {
        /* Storage is off: nothing is remembered. */
    }
}
