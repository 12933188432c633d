/*
 * What the palette finds: the list under its box. What was chosen last stands first while nothing is
 * typed; letters that match are marked.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { fuzzy, runsOf } from "../domain/fuzzy";
import { usePage } from "../pages/context";
import { stepped } from "../widgets/list-keys";
import { connectionCommands, fixedCommands, namedCommands, type Command } from "./commands";
import type { FinderProps } from "./search";

const SHOWN_MOST = 60;
const RECENT_MOST = 8;
const RECENT_KEY = "netsonde.recent";
const ASK_AFTER_MS = 200;

interface Found {
    command: Command;
    at: readonly number[];
}

export function Finder({ question, active, onKey, close }: FinderProps) {
    const page = usePage();
    const chosen = useSignal<string>(); // its id; none: the first one
    const named = useSignal<readonly Command[]>([]);
    const connections = useSignal<readonly Command[]>([]);
    const recent = useRef(recentIds()).current;

    useEffect(() => {
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
    const at = found.value.findIndex((f) => f.command.id === chosen.value);
    const list = found.value.slice(0, SHOWN_MOST);
    if (at >= list.length) list[list.length - 1] = found.value[at]!; // what Enter takes is shown
    const here = Math.max(0, Math.min(at, list.length - 1));
    const hereId = list.length ? optionId(list[here]!.command) : undefined;
    useLayoutEffect(() => {
        chosen.value = undefined;
    }, [asked]);
    const run = (f: Found | undefined) => {
        if (!f) return;
        remember(f.command.id);
        close();
        f.command.run();
    };
    useLayoutEffect(() => {
        active.value = hereId;
        onKey.current = (e) => {
            const to = stepped(e.key, here, list.length);
            if (to === undefined && e.key !== "Enter") return;
            e.preventDefault();
            if (to === undefined) run(list[here]);
            else chosen.value = list[to]?.command.id;
        };
    });
    useEffect(() => {
        if (hereId) document.getElementById(hereId)?.scrollIntoView({ block: "nearest" });
    }, [asked, here, hereId]);

    return (
        <>
            <div class="palette-list" role="listbox" id="palette-list" aria-label="Found">
                {list.map((f, i) => (
                    <div
                        key={f.command.id}
                        id={optionId(f.command)}
                        class="palette-option"
                        role="option"
                        aria-selected={i === here}
                        onPointerMove={() => (chosen.value = f.command.id)}
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
                    : `${list.length < found.value.length ? `${list.length} of ${found.value.length}` : list.length} · ↑ ↓ choose · Enter opens · Esc closes`}
            </p>
        </>
    );
}

const optionId = ({ id }: Command) => `palette-${encodeURIComponent(id)}`;

function findIn(
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
            .map((command) => ({ command, at: [] }));
    return all
        .flatMap((command) => {
            const m = fuzzy(question, command.title);
            if (!m) return [];
            // Between equals what was chosen lately.
            return [{ command, at: m.at, score: m.score + (recent.length - place(command)) * 0.5 }];
        })
        .sort((a, b) => b.score - a.score);
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
