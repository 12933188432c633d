/*
 * Everything about one row, beside the table that it stands in: it lies over the page's edge, so
 * nothing below it moves. Not a dialog: the table goes on working, arrows and Enter open others.
 */
import type { ComponentChildren } from "preact";

interface DrawerProps {
    title: ComponentChildren;
    label: string;
    onClose(): void;
    children: ComponentChildren;
}

export function Drawer({ title, label, onClose, children }: DrawerProps) {
    return (
        <aside class="drawer" aria-label={label}>
            <div class="drawer-head">
                <h2>{title}</h2>
                <button
                    type="button"
                    class="button icon-button"
                    aria-label="Close"
                    title="Close (Esc)"
                    onClick={() => {
                        onClose();
                        document.querySelector<HTMLElement>(".data-table")?.focus();
                    }}
                >
                    ×
                </button>
            </div>
            <div class="drawer-body" tabIndex={0} role="region" aria-label={`${label}, contents`}>
                {children}
            </div>
        </aside>
    );
}

export function Fact(props: { name: string; wide?: boolean; children: ComponentChildren }) {
    return (
        <div class={props.wide ? "fact-wide" : ""}>
            <dt>{props.name}</dt>
            <dd>{props.children}</dd>
        </div>
    );
}
