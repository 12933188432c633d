/* What the keys do, in groups. A native dialog: focus, Escape and the backdrop come with it. */
import { useLayoutEffect, useRef } from "preact/hooks";

export interface Shortcut {
    keys: readonly string[];
    what: string;
}

export interface ShortcutGroup {
    name: string;
    shortcuts: readonly Shortcut[];
}

interface HelpProps {
    groups: readonly ShortcutGroup[];
    onClose(): void;
}

/* Open as long as it is there. */
export function Help({ groups, onClose }: HelpProps) {
    const dialog = useRef<HTMLDialogElement>(null);
    useLayoutEffect(() => dialog.current!.showModal(), []); // before the next key
    const close = () => dialog.current!.close();
    return (
        <dialog
            ref={dialog}
            class="help"
            aria-labelledby="help-title"
            onClose={onClose}
            onClick={(e) => e.target === dialog.current && close()}
        >
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
                <button type="button" class="button" onClick={close}>
                    Close
                </button>
            </div>
        </dialog>
    );
}
