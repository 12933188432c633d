/*
 * Flows from left to right. Names stand outside at both ends and over the flows between, each only
 * where its node has room for a line. What cannot be drawn was left out before (domain/flow.ts).
 */
import type { SankeySpec } from "../../domain/data-spec";
import type { FlowNode } from "../../domain/flow";
import { fitted } from "../scene";
import { flowParts } from "../words/sankey";
import { plainName, said } from "../words/words";
import { FONT_PX } from "./axes";
import { colourOf } from "./colours";
import type { Drawn, Place } from "./kind";

const EDGE = 8;
const NODE_PX = 10;
const LINE_PX = 13; // a label needs so much
const NAMES_MOST = 0.3; // of the width, at each end
const BETWEEN = 4;
const NAME_LEAST_PX = 56;

export interface FlowLayout {
    gap: number;
    left: number; // of the nodes
    right: number; // room beside them
    column: number; // from one to the next
    last: number; // number of the last column
    height(node: FlowNode): number;
}

export function flowLayout(spec: SankeySpec, place: Place): FlowLayout {
    const { flow } = flowParts(spec);
    const { width, height, measure } = place;
    const last = Math.max(0, ...flow.nodes.map((n) => n.column));
    const columns = Array.from({ length: last + 1 }, (_, c) =>
        flow.nodes.filter((n) => n.column === c),
    );
    const widest = (nodes: readonly FlowNode[] = []) =>
        Math.min(
            width * NAMES_MOST,
            Math.max(0, ...nodes.map((n) => measure(label(n, spec, place, Infinity), FONT_PX) + 1)),
        );
    const most = Math.max(1, ...columns.map((c) => c.length));
    const room = height - 2 * EDGE;
    const gap = Math.min(14, (room * 0.5) / most);
    const sums = columns.map((c) => c.reduce((sum, n) => sum + flow.value.get(n.id)!, 0));
    const scale = Math.min(...columns.map((c, i) => (room - (c.length - 1) * gap) / sums[i]!));
    const left = EDGE + widest(columns[0]) + BETWEEN;
    const right = EDGE + widest(last > 0 ? columns[last] : []) + BETWEEN;
    return {
        gap,
        left,
        right,
        column: (width - left - right - NODE_PX) / Math.max(1, last),
        last,
        height: (n) => flow.value.get(n.id)! * scale,
    };
}

/* Of a name and its value, the name gives way; where there is little room, it stands alone. */
function label(
    node: FlowNode,
    spec: SankeySpec,
    { bytesAs, measure }: Place,
    room: number,
): string {
    const width = (text: string) => measure(text, FONT_PX);
    const value = `  ${said(flowParts(spec).flow.value.get(node.id)!, spec.measure, bytesAs)}`;
    const name = plainName(node.name);
    const left = room - width(value);
    if (left < Math.min(NAME_LEAST_PX, width(name))) return fitted(name, room, width);
    return fitted(name, left, width) + value;
}

export function drawSankey(spec: SankeySpec, place: Place): Drawn {
    const { palette, width, height } = place;
    const { flow, parts } = flowParts(spec);
    const at = flowLayout(spec, place);
    const toneOf = new Map(flow.nodes.map((n) => [n.id, n.tone]));
    const labelOf = (node: FlowNode) => {
        const outside =
            node.column === 0 ? at.left : node.column === at.last ? at.right : undefined;
        const room =
            outside === undefined ? at.column - NODE_PX - 2 * BETWEEN : outside - EDGE - BETWEEN;
        const text = label(node, spec, place, room);
        return {
            show: at.height(node) + at.gap >= LINE_PX,
            position: node.column === 0 ? "left" : "right",
            formatter: () => text,
        };
    };
    return {
        option: {
            series: [
                {
                    id: "flow",
                    type: "sankey",
                    left: at.left,
                    right: at.right + NODE_PX,
                    top: EDGE,
                    bottom: EDGE,
                    width: Math.max(1, width - at.left - at.right - NODE_PX),
                    height: Math.max(1, height - 2 * EDGE),
                    nodeWidth: NODE_PX,
                    nodeGap: at.gap,
                    nodeAlign: "left",
                    draggable: false,
                    emphasis: { focus: "adjacency", lineStyle: { opacity: 0.6 } },
                    blur: {
                        itemStyle: { opacity: 0.35 },
                        lineStyle: { opacity: 0.08 },
                        label: { opacity: 0.35 },
                    },
                    label: {
                        color: palette.text,
                        fontFamily: palette.font,
                        fontSize: FONT_PX,
                        distance: BETWEEN,
                        textBorderColor: palette.surface,
                        textBorderWidth: 3,
                    },
                    itemStyle: { borderWidth: 0 },
                    lineStyle: { curveness: 0.5, opacity: 0.28 },
                    data: flow.nodes.map((node) => ({
                        name: node.id,
                        depth: node.column,
                        itemStyle: { color: colourOf(node.tone, palette) },
                        label: labelOf(node),
                    })),
                    links: flow.links.map((l) => ({
                        source: l.from,
                        target: l.to,
                        value: l.value,
                        lineStyle: { color: colourOf(l.tone ?? toneOf.get(l.from)!, palette) },
                    })),
                },
            ],
        },
        partOf({ dataType, dataIndex }) {
            const kind = dataType === "edge" ? "link" : "node";
            const part = parts.findIndex((p) => p.kind === kind && p.index === dataIndex);
            return part < 0 ? undefined : part;
        },
        target(part) {
            const p = parts[part];
            const dataType = p?.kind === "link" ? "edge" : "node";
            return { seriesId: "flow", seriesIndex: 0, dataType, dataIndex: p?.index };
        },
    };
}
