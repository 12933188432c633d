/* Marks of a scene in the page. What they say is told beside them; to readers of screens they are one picture. */
import type { Mark } from "./scene";

interface SceneViewProps {
    width: number;
    height: number;
    marks: readonly Mark[];
}

export function SceneView({ width, height, marks }: SceneViewProps) {
    return (
        <svg
            class="scene"
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            aria-hidden="true"
        >
            {marks.map((m, i) => (
                <MarkView key={i} m={m} />
            ))}
        </svg>
    );
}

function pairs(points: readonly number[]): string {
    const out: string[] = [];
    for (let i = 0; i + 1 < points.length; i += 2)
        out.push(`${points[i]!.toFixed(1)},${points[i + 1]!.toFixed(1)}`);
    return out.join(" ");
}

function MarkView({ m }: { m: Mark }) {
    switch (m.kind) {
        case "line":
            return (
                <polyline
                    points={pairs(m.points)}
                    fill="none"
                    stroke={m.stroke}
                    stroke-width={m.width}
                    stroke-opacity={m.opacity}
                    stroke-dasharray={m.dash?.join(" ")}
                    stroke-linejoin="round"
                    data-series={m.series}
                />
            );
        case "area":
            return <polygon points={pairs(m.points)} fill={m.fill} fill-opacity={m.opacity} />;
        case "text":
            return (
                <text
                    x={m.x}
                    y={m.y}
                    font-size={m.size}
                    font-weight={m.weight}
                    fill={m.fill}
                    text-anchor={m.anchor}
                >
                    {m.text}
                </text>
            );
        case "box":
            return (
                <rect
                    x={m.x}
                    y={m.y}
                    width={m.width}
                    height={m.height}
                    fill={m.fill}
                    fill-opacity={m.opacity}
                />
            );
        case "dot":
            return <circle cx={m.x} cy={m.y} r={m.r} fill={m.fill} stroke={m.stroke} />;
    }
}
