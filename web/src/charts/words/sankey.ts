/*
 * From where to where how much, in words. Parts are the nodes, column by column, each followed by the
 * links that leave it.
 */
import type { SankeySpec } from "../../domain/data-spec";
import { flowOf, type Flow, type FlowLink, type FlowNode } from "../../domain/flow";
import { along, counted, exact, head, inUnit, named, type Words } from "./words";

export type FlowPart =
    | { kind: "node"; index: number; node: FlowNode }
    | { kind: "link"; index: number; link: FlowLink };

const seen = new WeakMap<SankeySpec, { flow: Flow; parts: readonly FlowPart[] }>();

export function flowParts(spec: SankeySpec): { flow: Flow; parts: readonly FlowPart[] } {
    const known = seen.get(spec);
    if (known) return known;
    const flow = flowOf(spec);
    const links = flow.links.map((link, index) => ({ kind: "link" as const, index, link }));
    const leaving = new Map<string, FlowPart[]>(flow.nodes.map((n) => [n.id, []]));
    for (const l of links) leaving.get(l.link.from)!.push(l);
    const parts = flow.nodes.flatMap((node, index): FlowPart[] => [
        { kind: "node", index, node },
        ...(leaving.get(node.id) ?? []),
    ]);
    const made = { flow, parts };
    seen.set(spec, made);
    return made;
}

function lostText({ backward, broken }: Flow): string {
    const words: string[] = [];
    if (backward === 1) words.push("1 link leads back and is not drawn");
    if (backward > 1) words.push(`${counted(backward, "links")} lead back and are not drawn`);
    if (broken > 0) words.push(`${counted(broken, "")} without both ends or a value`);
    return words.join(", ");
}

export const SANKEY: Words<SankeySpec> = {
    reading(spec) {
        const { flow } = flowParts(spec);
        const lost = lostText(flow);
        return {
            empty: flow.links.length === 0,
            legend: [],
            ...(lost ? { lost } : {}),
            summary: (bytesAs) =>
                flow.links
                    .slice(0, 3)
                    .map((link) => linkText(flow, link, spec, bytesAs))
                    .join(", "),
        };
    },
    table(spec, bytesAs) {
        const { flow } = flowParts(spec);
        const nameOf = namer(flow);
        return {
            columns: ["from", "to", head("value", spec.measure, bytesAs), "note"],
            rows: flow.links.map((l) => [
                nameOf(l.from),
                nameOf(l.to),
                inUnit(l.value, spec.measure, bytesAs),
                l.note ?? "",
            ]),
        };
    },
    parts(spec) {
        const { flow, parts } = flowParts(spec);
        return {
            count: parts.length,
            words(part, bytesAs) {
                const p = parts[part]!;
                if (p.kind === "link") return linkText(flow, p.link, spec, bytesAs);
                const value = exact(flow.value.get(p.node.id)!, spec.measure, bytesAs);
                const out = flow.links.filter((l) => l.from === p.node.id).length;
                const into = flow.links.filter((l) => l.to === p.node.id).length;
                return [
                    `${named(p.node.name)} ${value}`,
                    into > 0 ? `from ${into}` : "",
                    out > 0 ? `to ${out}` : "",
                ]
                    .filter(Boolean)
                    .join(" · ");
            },
            key(part) {
                const p = parts[part];
                return p?.kind === "node" ? p.node.key : undefined;
            },
            step: along(parts.length),
        };
    },
};

function namer(flow: Flow): (id: string) => string {
    const names = new Map(flow.nodes.map((n) => [n.id, n.name]));
    return (id) => names.get(id) ?? id;
}

function linkText(flow: Flow, link: FlowLink, spec: SankeySpec, bytesAs: "bits" | "bytes"): string {
    const nameOf = namer(flow);
    const value = exact(link.value, spec.measure, bytesAs);
    const words = `${named(nameOf(link.from))} → ${named(nameOf(link.to))} ${value}`;
    return link.note ? `${words} · ${link.note}` : words;
}
