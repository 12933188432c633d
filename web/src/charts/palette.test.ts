/* The eight categories, as the tokens have them: readable, and told apart by every kind of eye. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

type Rgb = readonly number[]; // linear

const CSS = readFileSync(join(process.env["WEB_ROOT"]!, "src/app/style/tokens.css"), "utf8");
const THEMES = CSS.split(':root[data-theme="light"]');
const LEAST_CONTRAST = 4.5; // AA for text: the newest value is written in the colour
const LEAST_DISTANCE = 15; // CIE 1976; 2.3 is just noticeable side by side

/* What eyes without one kind of cones see (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES: Record<string, readonly Rgb[]> = {
    "all cones": [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
};

function colour(theme: string, token: string): Rgb {
    const hex = new RegExp(`--${token}: #([0-9a-f]{6});`).exec(theme)![1]!;
    return [0, 2, 4].map((i) => {
        const c = parseInt(hex.slice(i, i + 2), 16) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
}

const times = (m: readonly Rgb[], v: Rgb) => m.map((row) => row.reduce((a, x, i) => a + x * v[i]!, 0));
const luminance = (c: Rgb) => 0.2126 * c[0]! + 0.7152 * c[1]! + 0.0722 * c[2]!;

function contrast(a: Rgb, b: Rgb): number {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function lab(c: Rgb): Rgb {
    const [x, y, z] = times(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ],
        c.map((v) => Math.min(1, Math.max(0, v))),
    ) as [number, number, number];
    const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

test("categories are readable and told apart, in both themes, by every kind of eye", () => {
    assert.equal(THEMES.length, 2);
    for (const [i, theme] of THEMES.entries()) {
        const all = Array.from({ length: 8 }, (_, k) => colour(theme, `category-${k + 1}`));
        for (const ground of ["surface", "raised"])
            for (const [k, c] of all.entries()) {
                const is = contrast(c, colour(theme, ground));
                assert.ok(is >= LEAST_CONTRAST, `theme ${i}, ${k + 1} on ${ground}: ${is}`);
            }
        for (const [eye, matrix] of Object.entries(EYES)) {
            const seen = all.map((c) => lab(times(matrix, c)));
            for (let a = 0; a < 8; a++)
                for (let b = 0; b < a; b++) {
                    const is = Math.hypot(...seen[a]!.map((v, k) => v - seen[b]![k]!));
                    assert.ok(is >= LEAST_DISTANCE, `theme ${i}, ${eye}: ${b + 1} and ${a + 1}: ${is}`);
                }
        }
    }
});
