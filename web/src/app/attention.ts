/*
 * Outside of the page's own area: how many alerts fire, in the title and on the icon; and, for who
 * asked for it, a notification of the browser and a sound. The icon is drawn here, the sound computed:
 * nothing is fetched.
 */
import { effect } from "@preact/signals";
import { tally, type Severity } from "../domain/alerts";
import { isCall, toastOf } from "../domain/news";
import type { PageContext } from "../pages/context";

const ICON_PX = 64;
const SOUND_NOT_BEFORE_MS = 2_000;
const COLOURS = { warning: "#ff8a4c", critical: "#ff4d5e" };

export function badgeTitle(firing: number): string {
    return firing > 0 ? `(${firing}) ` : "";
}

export function drawAttention({ session, preferences, location }: PageContext): void {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    const plain = icon?.getAttribute("href") ?? "";
    let drawn = "";
    effect(() => {
        const { firing, worst } = tally(session.alerts.active.value);
        const wanted = worst ? `${worst} ${firing}` : "";
        if (!icon || wanted === drawn) return;
        drawn = wanted;
        if (!worst) setIcon(icon, plain, "image/svg+xml");
        else setIcon(icon, badgeIcon(firing, worst), "image/png");
    });

    const player = new Player();
    let first = true;
    effect(() => {
        const on = preferences.sound.value === "on";
        if (on && !first) player.play("warning"); // so that one knows it
        first = false;
    });
    const told = new WeakSet<object>();
    effect(() => {
        const fresh = session.alerts.news.value.filter((n) => !told.has(n));
        fresh.forEach((n) => told.add(n));
        const calls = fresh.filter(isCall);
        if (calls.length === 0) return;
        const critical = calls.some((n) => n.alert.severity === "critical");
        if (preferences.sound.peek() === "on") player.play(critical ? "critical" : "warning");
        if (preferences.notify.peek() !== "on" || !document.hidden) return;
        for (const n of calls.slice(-3)) {
            const { id, title, note, severity } = toastOf(n, n.t);
            notify(`${severity}: ${title}`, note, `netsonde-${id}`, () =>
                location.go(location.href("alerts")),
            );
        }
    });
}

function setIcon(icon: HTMLLinkElement, href: string, type: string): void {
    icon.type = type;
    icon.href = href;
}

function notify(title: string, body: string, tag: string, open: () => void): void {
    try {
        const n = new Notification(title, { body, tag });
        n.onclick = () => {
            window.focus();
            open();
            n.close();
        };
    } catch {
        /* Some browsers allow them from workers only; the page shows the alert all the same. */
    }
}

/* A triangle or an octagon with the number in it. */
function badgeIcon(firing: number, worst: Severity): string {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = ICON_PX;
    const ctx = canvas.getContext("2d")!;
    const c = ICON_PX / 2;
    ctx.fillStyle = COLOURS[worst];
    ctx.beginPath();
    if (worst === "warning") {
        ctx.moveTo(c, 2);
        ctx.lineTo(ICON_PX - 1, ICON_PX - 4);
        ctx.lineTo(1, ICON_PX - 4);
    } else
        for (let k = 0; k < 8; k++) {
            const angle = ((2 * k + 1) * Math.PI) / 8;
            ctx.lineTo(c + c * Math.cos(angle), c + c * Math.sin(angle));
        }
    ctx.closePath();
    ctx.fill();
    const text = firing > 99 ? "99+" : String(firing);
    ctx.fillStyle = "#160604";
    ctx.font = `700 ${text.length > 2 ? 24 : 34}px sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, c, worst === "warning" ? c + 11 : c + 2);
    return canvas.toDataURL("image/png");
}

/* Two short tones: falling and calm for a warning, rising and repeated for what is critical. */
class Player {
    #context: AudioContext | undefined;
    #playedAt = -Infinity;

    play(severity: Severity): void {
        if (performance.now() - this.#playedAt < SOUND_NOT_BEFORE_MS) return;
        this.#playedAt = performance.now();
        try {
            const context = (this.#context ??= new AudioContext());
            void context.resume(); // a page that nobody has touched yet stays silent
            const tones = severity === "critical" ? [660, 990, 660, 990] : [740, 560];
            tones.forEach((hertz, i) => this.#tone(context, hertz, context.currentTime + i * 0.16));
        } catch {
            /* No sound device; what is seen is still true. */
        }
    }

    #tone(context: AudioContext, hertz: number, at: number): void {
        const oscillator = context.createOscillator();
        const gain = context.createGain();
        oscillator.frequency.value = hertz;
        gain.gain.setValueAtTime(0, at);
        gain.gain.linearRampToValueAtTime(0.2, at + 0.01);
        gain.gain.exponentialRampToValueAtTime(0.001, at + 0.15);
        oscillator.connect(gain).connect(context.destination);
        oscillator.start(at);
        oscillator.stop(at + 0.16);
    }
}
