/* What the keys do, in groups. A native dialog: focus, Escape and the backdrop come with it. */
import { useEffect, useRef } from "preact/hooks";

export interface Shortcut {
    keys: readonly string[];
    what: string;
}

export interface ShortcutGroup {
    name: string;
    shortcuts: readonly Shortcut[];
}

interface HelpProps {
    open: boolean;
    groups: readonly ShortcutGroup[];
    onClose(): void;
}

export function Help({ open, groups, onClose }: HelpProps) {
    const dialog = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const d = dialog.current!;
        if (open && !d.open) d.showModal();
        if (!open && d.open) d.close();
    }, [open]);
    return (
        <dialog
            ref={dialog}
            class="help"
            aria-labelledby="help-title"
            onClose={onClose}
            onClick={(e) => e.target === dialog.current && onClose()}
        >
            {open && <Body groups={groups} onClose={onClose} />}
        </dialog>
    );
}

function Body({ groups, onClose }: Omit<HelpProps, "open">) {
    return (
        <div class="help-body">
            <h2 id="help-title">Keys</h2>
            <div class="help-groups">
                {groups.map((g) => (
                    <section key={g.name}>
                        <h3>{g.name}</h3>
                        <dl>
                            {g.shortcuts.map((s) => (
                                <div key={s.what}>
                                    <dt>
                                        {s.keys.map((k) => (
                                            <kbd key={k}>{k}</kbd>
                                        ))}
                                    </dt>
                                    <dd>{s.what}</dd>
                                </div>
                            ))}
                        </dl>
                    </section>
                ))}
            </div>
            <button type="button" class="button" onClick={onClose}>
                Close
            </button>
        </div>
    );
}
