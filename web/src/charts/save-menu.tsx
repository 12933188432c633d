/*
 * The small menu at a chart or a table that saves what it shows. A native disclosure: it opens by
 * Enter and Space, Escape closes it and gives the focus back, and so does leaving it. What is in it
 * is made when it opens, so an address in it is that of the time in sight.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface SaveMenuProps {
    what: string; // is saved: "Throughput"
    children(close: () => void): ComponentChildren;
}

export function SaveMenu({ what, children }: SaveMenuProps) {
    const box = useRef<HTMLDetailsElement>(null);
    const open = useSignal(false);
    const close = (focus: boolean) => {
        if (!box.current?.open) return;
        box.current.open = false;
        if (focus) box.current.querySelector("summary")?.focus();
    };
    useEffect(() => {
        if (!open.value) return undefined;
        const outside = (e: Event) => {
            if (e.target instanceof Node && !box.current?.contains(e.target)) close(false);
        };
        document.addEventListener("pointerdown", outside);
        return () => document.removeEventListener("pointerdown", outside);
    }, [open.value]);
    return (
        <details
            class="menu save-menu"
            ref={box}
            onToggle={(e) => (open.value = e.currentTarget.open)}
            onKeyDown={(e) => {
                if (e.key !== "Escape" || !box.current?.open) return;
                e.stopPropagation();
                e.preventDefault();
                close(true);
            }}
            onFocusOut={(e) => {
                const to = e.relatedTarget;
                if (to instanceof Node && !box.current?.contains(to)) close(false);
            }}
        >
            <summary class="save-button" aria-label={`Save ${what}`} title={`Save ${what}`}>
                <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
                    <path d="M5.300 1h1.400v5.100l1.900-1.900 1 1L6 8.800 2.400 5.200l1-1 1.900 1.900zM1 9.600h10V11H1z" />
                </svg>
            </summary>
            {open.value && <div class="menu-body">{children(() => close(true))}</div>}
        </details>
    );
}

interface SaveGroupProps {
    title: string;
    note?: string | undefined;
    children: ComponentChildren;
}

export function SaveGroup({ title, note, children }: SaveGroupProps) {
    return (
        <div class="save-group" role="group" aria-label={title}>
            <p class="save-title">
                {title} {note && <span class="quiet">{note}</span>}
            </p>
            <div class="save-choices">{children}</div>
        </div>
    );
}

/* Made by the server: a plain link, so that the browser shows how far it is. */
export function SaveLink({ href, name, title }: { href: string; name: string; title: string }) {
    return (
        <a class="button" href={href} download aria-label={title} title={title}>
            {name}
        </a>
    );
}

interface SaveButtonProps {
    name: string;
    title: string;
    run(): void | Promise<void>;
}

/* Made on the page. */
export function SaveButton({ name, title, run }: SaveButtonProps) {
    return (
        <button
            type="button"
            class="button"
            aria-label={title}
            title={title}
            onClick={() => void run()}
        >
            {name}
        </button>
    );
}
