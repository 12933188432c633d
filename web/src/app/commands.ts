/*
 * What the palette finds: some things are always there, some the server is asked for when the palette
 * opens, connections while an address is typed. Each leads somewhere or does something that a visible
 * control does, too.
 */
import { asArray, asNumber, asObject, asText } from "../base/json";
import { COMPARE_CHOICES } from "../domain/compare";
import { CHOICES, LONG_CHOICES } from "../domain/range";
import type { PageContext } from "../pages/context";
import { parseSeriesList } from "../proto/history";
import type { Preferences } from "../store/preferences";
import type { Session } from "../store/session";
import { toggleNavigation } from "./navigation";
import { togglePause } from "./keys";
import { ROUTES } from "./routes";
import { copyLink } from "./time-bar";

export interface Command {
    id: string;
    group: string;
    title: string;
    hint?: string;
    run(): void;
}

const LISTED_MOST = 500; // of one kind
const CONNECTIONS_MOST = 12;

export function fixedCommands(page: PageContext): Command[] {
    const { session, location, preferences: p } = page;
    const to = (address: string, query?: Record<string, string>) => () =>
        void location.go(location.href(address, query));
    const pages = [...ROUTES].map(([address, r]): Command => ({
        id: `page ${address}`,
        group: "Page",
        title: r.title,
        ...(r.key ? { hint: r.key } : {}),
        run: to(address),
    }));
    const ranges = [...CHOICES, ...LONG_CHOICES].map(({ spanMs, name }, i): Command => ({
        id: `range ${spanMs}`,
        group: "Time",
        title: `Last ${name}`,
        ...(i < CHOICES.length ? { hint: String(i + 1) } : {}),
        run: () => location.setRange({ kind: "last", spanMs }),
    }));
    const compares = [{ text: "", name: "nothing" }, ...COMPARE_CHOICES].map((c): Command => ({
        id: `compare ${c.text}`,
        group: "Time",
        title: `Compare with ${c.name}`,
        run: () => location.setCompare(c.text),
    }));
    return [
        ...pages,
        ...ranges,
        ...compares,
        ...choices(p),
        {
            id: "pause",
            group: "Time",
            title: session.paused.value ? "Go on" : "Pause",
            hint: "Space",
            run: () => togglePause(page),
        },
        {
            id: "link",
            group: "Time",
            title: "Copy link to what is shown",
            hint: "y",
            run: () => void copyLink(page),
        },
        {
            id: "navigation",
            group: "Display",
            title: "Show or hide the list of pages",
            hint: "m",
            run: toggleNavigation,
        },
        ...session.interfaces.value.slice(0, LISTED_MOST).map((i): Command => ({
            id: `device ${i.device}`,
            group: "Interface",
            title: i.device,
            hint: i.state,
            run: to("interfaces", { device: i.device }),
        })),
    ];
}

function choices(p: Preferences): Command[] {
    const of = <T extends string>(
        name: string,
        signal: { value: T },
        words: readonly (readonly [T, string])[],
    ): Command[] =>
        words.map(([value, word]) => ({
            id: `set ${name} ${value}`,
            group: "Display",
            title: `${name}: ${word}`,
            ...(signal.value === value ? { hint: "now" } : {}),
            run: () => (signal.value = value),
        }));
    return [
        ...of("Theme", p.theme, [
            ["system", "as the system"],
            ["dark", "dark"],
            ["light", "light"],
        ]),
        ...of("Contrast", p.contrast, [
            ["system", "as the system"],
            ["normal", "normal"],
            ["high", "high"],
        ]),
        ...of("Colours", p.colours, [
            ["own", "Netsonde"],
            ["safe", "for colour-blind eyes (Okabe-Ito)"],
        ]),
        ...of("Traffic in", p.bytesAs, [
            ["bits", "bits"],
            ["bytes", "bytes"],
        ]),
        ...of("Prefixes", p.prefixes, [
            ["si", "k = 1000"],
            ["iec", "Ki = 1024"],
        ]),
        ...of("Time in", p.zone, [
            ["local", "local time"],
            ["utc", "UTC"],
        ]),
        ...of("Motion", p.motion, [
            ["system", "as the system"],
            ["reduced", "reduced"],
        ]),
        ...of("Density", p.density, [
            ["normal", "normal"],
            ["dense", "dense"],
        ]),
    ];
}

/* What the server knows by name. Each list that cannot be read is left out. */
export async function namedCommands(
    { session, location }: PageContext,
    signal: AbortSignal,
): Promise<Command[]> {
    const to = (address: string, query: Record<string, string>) => () =>
        void location.go(location.href(address, query));
    const read = async (address: string): Promise<unknown> => {
        const answer = await session.getJson(address, signal);
        return answer.ok ? answer.value : undefined;
    };
    const wanted: Promise<Command[]>[] = [];
    if (ROUTES.has("processes") && session.offersTable("processes"))
        wanted.push(
            tableRows(session, `api/v1/processes?limit=${LISTED_MOST}`, signal).then((rows) => [
                ...distinct(rows, "process").map((name): Command => ({
                    id: `process ${name}`,
                    group: "Process",
                    title: name,
                    run: to("processes", { filter: name }),
                })),
                ...distinct(rows, "unit").map((name): Command => ({
                    id: `unit ${name}`,
                    group: "Unit",
                    title: name,
                    run: to("processes", { filter: `unit:${name}` }),
                })),
            ]),
        );
    if (ROUTES.has("explore"))
        wanted.push(
            read("api/v1/series").then((v) => {
                const names = [...new Set(parseSeriesList(v).map((s) => s.name))].sort();
                return names.map((name): Command => ({
                    id: `metric ${name}`,
                    group: "Metric",
                    title: name,
                    run: to("explore", { metric: name }),
                }));
            }),
        );
    wanted.push(
        read("api/v1/rules").then((v) =>
            namesIn(v, "rules").map((name) => ({
                id: `rule ${name}`,
                group: "Alert rule",
                title: name,
                run: to("alerts", { rule: name }),
            })),
        ),
        read("api/v1/baselines").then((v) =>
            namesIn(v, "baselines").map((name) => ({
                id: `baseline ${name}`,
                group: "Baseline",
                title: name,
                run: to("baselines", { baseline: name }),
            })),
        ),
    );
    return (await Promise.all(wanted)).flat();
}

/* Connections with this in their addresses. */
export async function connectionCommands(
    { session, location }: PageContext,
    question: string,
    signal: AbortSignal,
): Promise<Command[]> {
    const word = question.trim();
    if (!ROUTES.has("connections") || !session.offersTable("connections")) return [];
    if (!/^[0-9a-f.:[\]]{3,45}$/i.test(word) || !/[.:]/.test(word)) return [];
    const q = new URLSearchParams({ filter: word, limit: String(CONNECTIONS_MOST) });
    const rows = await tableRows(session, `api/v1/connections?${q}`, signal);
    return rows.map((row): Command => {
        const title = `${asText(row["local"])} – ${asText(row["remote"])}`;
        return {
            id: `connection ${asNumber(row["id"]) ?? title}`,
            group: "Connection",
            title,
            hint: [asText(row["state"]), asText(row["process"])].filter(Boolean).join(" · "),
            run: () =>
                void location.go(location.href("connections", { filter: asText(row["remote"]) })),
        };
    });
}

async function tableRows(
    session: Session,
    address: string,
    signal: AbortSignal,
): Promise<Record<string, unknown>[]> {
    const answer = await session.getJson(address, signal);
    const o = asObject(answer.ok ? answer.value : undefined);
    const columns = asArray(o?.["columns"]).map((c) => asText(c));
    return asArray(o?.["rows"]).map((row) =>
        Object.fromEntries(asArray(row).map((cell, i) => [columns[i] ?? "", cell])),
    );
}

function distinct(rows: readonly Record<string, unknown>[], column: string): string[] {
    return [...new Set(rows.map((r) => asText(r[column])).filter(Boolean))].slice(0, LISTED_MOST);
}

function namesIn(v: unknown, member: string): string[] {
    return asArray(asObject(v)?.[member])
        .map((o) => asText(asObject(o)?.["name"]))
        .filter(Boolean)
        .slice(0, LISTED_MOST);
}
