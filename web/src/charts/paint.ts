/* A scene on a canvas, and from there as a PNG: twice as fine as the page, for print and slides. */
import type { Mark, MeasureText, Scene } from "./scene";
import { hatchLines } from "./svg";

const FINER = 2;

export function measurer(font: string): MeasureText {
    const ctx = document.createElement("canvas").getContext("2d")!;
    return (text, size, weight = 400) => {
        ctx.font = `${weight} ${size}px ${font}`;
        return ctx.measureText(text).width;
    };
}

/* more: what else is painted, in pixels of the scene. */
export async function sceneToPng(
    scene: Scene,
    more?: (ctx: CanvasRenderingContext2D) => void,
): Promise<Blob> {
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(scene.width * FINER);
    canvas.height = Math.round(scene.height * FINER);
    const ctx = canvas.getContext("2d")!;
    ctx.scale(FINER, FINER);
    ctx.fillStyle = scene.ground;
    ctx.fillRect(0, 0, scene.width, scene.height);
    for (const mark of scene.marks) {
        ctx.save();
        paint(ctx, mark, scene.font);
        ctx.restore();
    }
    more?.(ctx);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (!blob) throw new Error("the browser made no picture");
    return blob;
}

function trace(ctx: CanvasRenderingContext2D, points: readonly number[]): void {
    ctx.beginPath();
    for (let i = 0; i + 1 < points.length; i += 2) ctx.lineTo(points[i]!, points[i + 1]!);
}

function paint(ctx: CanvasRenderingContext2D, m: Mark, font: string): void {
    switch (m.kind) {
        case "line":
            ctx.globalAlpha = m.opacity ?? 1;
            ctx.strokeStyle = m.stroke;
            ctx.lineWidth = m.width;
            ctx.lineJoin = "round";
            ctx.setLineDash(m.dash ? [...m.dash] : []);
            trace(ctx, m.points);
            ctx.stroke();
            break;
        case "area":
            ctx.globalAlpha = m.opacity;
            ctx.fillStyle = m.fill;
            trace(ctx, m.points);
            ctx.fill();
            break;
        case "text":
            ctx.font = `${m.weight ?? 400} ${m.size}px ${font}`;
            ctx.fillStyle = m.fill;
            ctx.textAlign = m.anchor === "middle" ? "center" : (m.anchor ?? "start");
            ctx.fillText(m.text, m.x, m.y);
            break;
        case "box":
            ctx.globalAlpha = m.opacity ?? 1;
            ctx.fillStyle = m.fill;
            ctx.fillRect(m.x, m.y, m.width, m.height);
            ctx.globalAlpha = 1;
            if (m.stroke) {
                ctx.strokeStyle = m.stroke;
                ctx.strokeRect(m.x, m.y, m.width, m.height);
            }
            if (m.hatch) hatch(ctx, hatchLines(m), m.hatch);
            break;
        case "dot":
            ctx.fillStyle = m.fill;
            ctx.beginPath();
            ctx.arc(m.x, m.y, m.r, 0, 2 * Math.PI);
            ctx.fill();
            if (m.stroke) {
                ctx.strokeStyle = m.stroke;
                ctx.stroke();
            }
            break;
    }
}

function hatch(ctx: CanvasRenderingContext2D, lines: readonly number[], colour: string): void {
    ctx.strokeStyle = colour;
    ctx.beginPath();
    for (let i = 0; i < lines.length; i += 4) {
        ctx.moveTo(lines[i]!, lines[i + 1]!);
        ctx.lineTo(lines[i + 2]!, lines[i + 3]!);
    }
    ctx.stroke();
}
