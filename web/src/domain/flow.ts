/*
 * What can be drawn of a flow from left to right. Data may have anything: links to nowhere, to the
 * same column or back, values that are none, a node twice. What cannot be drawn is left out and
 * counted; what is said twice is added up.
 */
import type { SankeySpec } from "./data-spec";

export type FlowNode = SankeySpec["nodes"][number];
export type FlowLink = SankeySpec["links"][number];

export interface Flow {
    nodes: FlowNode[]; // by column from 0 without a gap, the largest first
    links: FlowLink[];
    value: ReadonlyMap<string, number>; // of each node: the larger of what comes and what goes
    backward: number; // links that do not lead to the right
    broken: number; // links without two ends or a value above zero
}

export function flowOf({ nodes, links }: Pick<SankeySpec, "nodes" | "links">): Flow {
    const known = new Map<string, FlowNode>();
    for (const node of nodes) if (!known.has(node.id)) known.set(node.id, node);
    const kept = new Map<string, FlowLink>();
    let backward = 0;
    let broken = 0;
    for (const link of links) {
        const from = known.get(link.from);
        const to = known.get(link.to);
        if (!from || !to || !(link.value > 0) || link.value === Infinity) broken++;
        else if (!(to.column > from.column)) backward++;
        else {
            const pair = JSON.stringify([link.from, link.to]);
            const before = kept.get(pair);
            kept.set(pair, before ? { ...before, value: before.value + link.value } : link);
        }
    }
    const comes = new Map<string, number>();
    const goes = new Map<string, number>();
    for (const { from, to, value } of kept.values()) {
        goes.set(from, (goes.get(from) ?? 0) + value);
        comes.set(to, (comes.get(to) ?? 0) + value);
    }
    const value = new Map<string, number>();
    for (const id of known.keys()) {
        const v = Math.max(comes.get(id) ?? 0, goes.get(id) ?? 0);
        if (v > 0) value.set(id, v);
    }
    const used = [...known.values()].filter((n) => value.has(n.id));
    const columns = [...new Set(used.map((n) => n.column))].sort((a, b) => a - b);
    return {
        nodes: used
            .map((n) => ({ ...n, column: columns.indexOf(n.column) }))
            .sort((a, b) => a.column - b.column || value.get(b.id)! - value.get(a.id)!),
        links: [...kept.values()].sort((a, b) => b.value - a.value),
        value,
        backward,
        broken,
    };
}
