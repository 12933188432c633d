/*
 * What only the page of settings asks for: the configuration and tokens (admins), and what history
 * takes on disk and how far back each of its tiers reaches. Made with the page.
 */
import { ok, type Result } from "../base/result";
import { parseConfig, type Config } from "../proto/config";
import { historyAddress, parseHistory } from "../proto/history";
import { Remote } from "./remote";
import type { Session } from "./session";

export type { Config, ConfigItem, ConfigKey, Token } from "../proto/config";

const REACH_POINTS = 2_000;
const EVERYWHERE = "node_time_seconds"; // a series of every tick

export const TIERS = [
    { key: "store.raw", name: "every sample", usual: "48h" },
    { key: "store.minute", name: "minutes", usual: "90d" },
    { key: "store.hour", name: "hours", usual: "5y" },
] as const;

export interface Tier {
    name: string;
    kept: string; // as configured
    key: string;
    firstMs: number | undefined; // of what there is; undefined: nothing
}

export interface Storage {
    bytes: number; // NaN: not known
    lost: number; // ticks that the disk refused or was too slow for, in the last day
    tiers: Tier[];
}

export class Settings {
    readonly config: Remote<Config>;
    readonly storage: Remote<Storage, ReadonlyMap<string, string>>;

    constructor(session: Session) {
        this.config = new Remote(async (_: void, stop) => {
            const answer = await session.getJson("api/v1/config", stop);
            return answer.ok ? parseConfig(answer.value) : answer;
        });
        this.storage = new Remote((kept, stop) => readStorage(session, kept, stop));
    }
}

async function readStorage(
    session: Session,
    kept: ReadonlyMap<string, string>,
    stop: AbortSignal,
): Promise<Result<Storage>> {
    const ask = async (metrics: string[], from: string, points: number, agg: string) => {
        const address = historyAddress({ metrics, match: [], from, to: "now", points });
        const answer = await session.getJson(`${address}&agg=${agg}`, stop);
        return answer.ok ? parseHistory(answer.value) : answer;
    };
    const size = await ask(["netsonde_store_bytes"], "now-1m", 1, "last");
    if (!size.ok) return size;
    const bytes = size.value.series[0]?.values.findLast((v) => !Number.isNaN(v)) ?? NaN;
    const losses = ["netsonde_store_ticks_lost_total", "netsonde_store_ticks_dropped_total"];
    const lost = await ask(losses, "now-24h", 1, "sum");
    const tiers: Tier[] = [];
    for (const { key, name, usual } of TIERS) {
        const length = kept.get(key) ?? usual;
        const reach = await ask([EVERYWHERE], `now-${length}`, REACH_POINTS, "last");
        const s = reach.ok ? reach.value.series[0] : undefined;
        const first = s?.values.findIndex((v) => !Number.isNaN(v)) ?? -1;
        tiers.push({ key, name, kept: length, firstMs: first < 0 ? undefined : s!.times[first] });
    }
    const sum = (values: Float64Array) => values.reduce((a, v) => a + (v || 0), 0);
    return ok({
        bytes,
        lost: lost.ok ? lost.value.series.reduce((a, s) => a + sum(s.values), 0) : 0,
        tiers,
    });
}
