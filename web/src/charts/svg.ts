/*
 * A scene as an SVG file: vectors and selectable text, no script, no style sheet, nothing from
 * outside. Names come from the host and may be hostile, so every text is escaped and what XML cannot
 * hold at all is replaced.
 */
import type { BoxMark, Mark, Scene } from "./scene";

const ENTITIES: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
};

/* XML 1.0, section 2.2: other characters may not stand in a document, not even as references. */
const FORBIDDEN =
    /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

function permitted(text: string): string {
    return text.replace(FORBIDDEN, "\uFFFD");
}

export function escaped(text: string): string {
    return permitted(text).replace(/[&<>"']/g, (c) => ENTITIES[c]!);
}

/* At most two digits behind the point, which is finer than anybody sees. */
function n(value: number): string {
    return String(Math.round(value * 100) / 100);
}

function pairs(points: readonly number[]): string {
    const out: string[] = [];
    for (let i = 0; i + 1 < points.length; i += 2) out.push(`${n(points[i]!)},${n(points[i + 1]!)}`);
    return out.join(" ");
}

type Attributes = Record<string, string | number | undefined>;

function element(name: string, attributes: Attributes, content?: string): string {
    const written = Object.entries(attributes)
        .filter(([, v]) => v !== undefined)
        .map(([key, v]) => ` ${key}="${typeof v === "number" ? n(v) : escaped(v!)}"`)
        .join("");
    return content === undefined ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

function markup(m: Mark): string {
    switch (m.kind) {
        case "line":
            return element("polyline", {
                "points": pairs(m.points),
                "fill": "none",
                "stroke": m.stroke,
                "stroke-width": m.width,
                "stroke-linejoin": "round",
                "stroke-dasharray": m.dash?.map(n).join(" "),
                "stroke-opacity": m.opacity,
                "data-series": m.series,
            });
        case "area":
            return element("polygon", {
                "points": pairs(m.points),
                "fill": m.fill,
                "fill-opacity": m.opacity,
                "data-series": m.series,
            });
        case "text":
            return element(
                "text",
                {
                    "x": m.x,
                    "y": m.y,
                    "font-size": m.size,
                    "font-weight": m.weight,
                    "fill": m.fill,
                    "text-anchor": m.anchor,
                },
                escaped(m.text),
            );
        case "box":
            return box(m);
        case "dot":
            return element(
                "circle",
                { cx: m.x, cy: m.y, r: m.r, fill: m.fill, stroke: m.stroke },
                m.title === undefined ? undefined : `<title>${escaped(m.title)}</title>`,
            );
    }
}

const HATCH_PX = 7;

/* Hatching is drawn as lines and not as a pattern, which not every program knows. */
function box(m: BoxMark): string {
    const rect = element("rect", {
        "x": m.x,
        "y": m.y,
        "width": m.width,
        "height": m.height,
        "fill": m.fill,
        "fill-opacity": m.opacity,
        "stroke": m.stroke,
    });
    if (!m.hatch) return rect;
    return rect + element("path", { d: hatchPath(m), stroke: m.hatch, fill: "none" });
}

/* Lines from the lower left to the upper right, cut at the edges of the box. */
export function hatchLines(m: BoxMark): number[] {
    const lines: number[] = [];
    for (let c = HATCH_PX; c < m.width + m.height; c += HATCH_PX) {
        const x1 = Math.max(0, c - m.height);
        const x2 = Math.min(c, m.width);
        lines.push(m.x + x1, m.y + c - x1, m.x + x2, m.y + c - x2);
    }
    return lines;
}

function hatchPath(m: BoxMark): string {
    const l = hatchLines(m);
    let d = "";
    for (let i = 0; i < l.length; i += 4)
        d += `M${n(l[i]!)} ${n(l[i + 1]!)}L${n(l[i + 2]!)} ${n(l[i + 3]!)}`;
    return d;
}

/* A picture that another made, as one SVG element; its texts are escaped already. */
export interface Inset {
    x: number;
    y: number;
    svg: string;
}

function insetOf({ x, y, svg }: Inset): string {
    return permitted(svg).replace(/^\s*<svg /, `<svg x="${n(x)}" y="${n(y)}" `);
}

export function sceneToSvg(scene: Scene, inset?: Inset): string {
    const { width, height, title, description, font, ground } = scene;
    const body = [
        `<title>${escaped(title)}</title>`,
        `<desc>${escaped(description)}</desc>`,
        element("rect", { width, height, fill: ground }),
        element(
            "g",
            { "font-family": font, "font-variant-numeric": "tabular-nums" },
            "\n" + scene.marks.map(markup).join("\n") + "\n",
        ),
        ...(inset ? [insetOf(inset)] : []),
    ];
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' +
        element(
            "svg",
            {
                xmlns: "http://www.w3.org/2000/svg",
                width,
                height,
                viewBox: `0 0 ${n(width)} ${n(height)}`,
                role: "img",
            },
            "\n" + body.join("\n") + "\n",
        ) +
        "\n"
    );
}
