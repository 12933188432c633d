/* Saved dashboards: /api/v1/dashboards. */
import { asArray, asNumber, asObject, asText } from "../base/json";
import { fail, ok, type Result } from "../base/result";

export interface DashboardEntry {
    name: string;
    changedMs: number | undefined;
}

export function parseDashboards(v: unknown): Result<DashboardEntry[]> {
    const list = asObject(v)?.["dashboards"];
    if (!Array.isArray(list)) return fail("the answer has no dashboards");
    return ok(
        asArray(list).flatMap((entry) => {
            const o = asObject(entry);
            const name = asText(o?.["name"]);
            return name === "" ? [] : [{ name, changedMs: asNumber(o?.["changed"]) }];
        }),
    );
}

export function dashboardAddress(name: string): string {
    return `api/v1/dashboards/${encodeURIComponent(name)}`;
}
