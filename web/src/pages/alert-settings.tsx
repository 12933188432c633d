/* How this browser draws attention: both ways are off until somebody wants them. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { usePage } from "./context";

export function AlertSettings() {
    const { preferences } = usePage();
    const { notify, sound } = preferences;
    const box = useRef<HTMLDetailsElement>(null);
    const said = useSignal("");
    const wantNotifications = async (wanted: boolean) => {
        said.value = "";
        if (!wanted) {
            notify.value = "off";
            return;
        }
        if (!("Notification" in window) || !window.isSecureContext) {
            said.value =
                "This browser shows notifications only for pages over HTTPS or from the host itself.";
            return;
        }
        const answer = await Notification.requestPermission();
        notify.value = answer === "granted" ? "on" : "off";
        if (answer !== "granted")
            said.value =
                "The browser was told not to let this page notify; its settings can change that.";
    };
    return (
        <details
            class="menu"
            ref={box}
            onKeyDown={(e) => {
                if (e.key !== "Escape" || !box.current?.open) return;
                e.stopPropagation();
                box.current.open = false;
                box.current.querySelector("summary")?.focus();
            }}
        >
            <summary class="button">Attention…</summary>
            <div class="menu-body">
                <label>
                    <input
                        type="checkbox"
                        checked={notify.value === "on"}
                        onChange={(e) => {
                            const box = e.currentTarget;
                            void wantNotifications(box.checked).then(
                                () => (box.checked = notify.value === "on"),
                            );
                        }}
                    />
                    Notify through the browser while this page is not in sight
                </label>
                <label>
                    <input
                        type="checkbox"
                        checked={sound.value === "on"}
                        onChange={(e) => (sound.value = e.currentTarget.checked ? "on" : "off")}
                    />
                    Sound when an alert begins to fire
                </label>
                <p class="line-note">
                    This is about this browser only and works while the page is open. Who is told
                    otherwise is decided by the channels below.
                </p>
                <p role="status" class="line-trouble">
                    {said.value}
                </p>
            </div>
        </details>
    );
}
