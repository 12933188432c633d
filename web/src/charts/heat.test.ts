/* The colours of how much, as they stand in tokens.css. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CLASSES } from "../domain/classes";

const css = readFileSync(join(process.env["WEB_ROOT"]!, "src/app/style/tokens.css"), "utf8");
const [dark, light] = css.split(':root[data-theme="light"]') as [string, string];

/* OKLab of #rrggbb (B. Ottosson). */
function lab(hex: string): [number, number, number] {
    const [r, g, b] = [1, 3, 5].map((i) => {
        const c = parseInt(hex.slice(i, i + 2), 16) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
        0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
}

for (const [theme, tokens] of [
    ["dark", dark],
    ["light", light],
] as const)
    test(`${theme}: one hue, away from the ground in even steps`, () => {
        const of = (name: string) => lab(new RegExp(`--${name}: (#\\w{6});`).exec(tokens)![1]!);
        const ramp = Array.from({ length: CLASSES }, (_, i) => of(`heat-${i + 1}`));
        const steps = ramp.slice(1).map((c, i) => Math.hypot(...c.map((v, k) => v - ramp[i]![k]!)));
        const mean = steps.reduce((a, b) => a + b) / steps.length;
        for (const step of steps) assert.ok(Math.abs(step - mean) < 0.05 * mean, String(steps));
        assert.ok(mean > 0.08, "each is told from the next");
        const ground = of("surface")[0];
        const away = ramp.map(([l]) => Math.abs(l - ground));
        assert.ok(away.every((d, i) => i === 0 || d > away[i - 1]!));
        const hues = ramp.map(([, a, b]) => (Math.atan2(b, a) * 180) / Math.PI);
        assert.ok(Math.max(...hues) - Math.min(...hues) < 16, String(hues));
        const nothing = Math.hypot(...of("heat-0").map((v, k) => v - ramp[0]![k]!));
        assert.ok(nothing > 0.05, "nothing is told from little");
    });
