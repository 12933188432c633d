/*
 * The names of a chart's traces. A click hides one or shows it again, with Shift or Ctrl it is shown
 * alone; what is hidden stands in the address.
 */
import type { ComponentChildren } from "preact";
import { alone, toggled, type Hidden } from "../domain/hidden";
import { useEnvironment } from "./environment";

const NONE: ReadonlySet<string> = new Set();

export function hiddenOf(hidden: Hidden, key: string): ReadonlySet<string> {
    return hidden.get(key) ?? NONE;
}

export interface LegendEntry {
    name: string;
    tone: string;
    dash?: readonly number[] | undefined;
    faint?: boolean | undefined;
    value?: ComponentChildren; // what is being read of it
}

interface LegendProps {
    chartKey: string;
    entries: readonly LegendEntry[];
}

export function Legend({ chartKey, entries }: LegendProps) {
    const env = useEnvironment();
    const hidden = hiddenOf(env.hidden.value, chartKey);
    const names = entries.map((e) => e.name);
    const pick = (name: string, only: boolean) =>
        env.hide(chartKey, only ? alone(hidden, name, names) : toggled(hidden, name));
    return (
        <>
            {entries.map(({ name, tone, dash, faint, value }) => (
                <li key={name}>
                    <button
                        type="button"
                        class="legend-item"
                        aria-pressed={!hidden.has(name)}
                        title={`${name} (click: hide or show; Shift: alone)`}
                        onClick={(e) => pick(name, e.shiftKey || e.ctrlKey || e.metaKey)}
                    >
                        <svg
                            class={`swatch tone-${tone}${faint ? " faint" : ""}`}
                            viewBox="0 0 16 4"
                            aria-hidden="true"
                        >
                            <line x1="0" y1="2" x2="16" y2="2" stroke-dasharray={dash?.join(" ")} />
                        </svg>
                        <span class="name">
                            <bdi>{name}</bdi>
                        </span>
                        {value !== undefined && <span class="value">{value}</span>}
                    </button>
                </li>
            ))}
        </>
    );
}
