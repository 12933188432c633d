/* The configuration in force and the tokens there are: /api/v1/config. */
import { asArray, asNumber, asObject, asText, type Json } from "../base/json";
import { fail, ok, type Result } from "../base/result";

export interface ConfigKey {
    key: string; // "collect.interval"
    value: string;
    standard: string; // the default; "" when it is found out at run time
    from: string; // "default", FILE:LINE:COLUMN, "env NAME", "flag --name"
    doc: string;
}

/* An item of a list of the file: a channel, a rule. */
export interface ConfigItem {
    name: string;
    keys: string; // as they were written, in one line
    from: string;
}

export interface Token {
    id: string;
    kind: string; // "key" or "login"
    role: string;
    note: string;
    createdMs: number | undefined;
    expiresMs: number | undefined; // undefined: never
    expired: boolean;
}

export interface Config {
    keys: ConfigKey[];
    channels: ConfigItem[];
    alerts: ConfigItem[];
    tokens: Token[];
    sessions: number;
}

function written(v: unknown): string {
    if (Array.isArray(v)) return v.map(written).join(", ");
    if (typeof v === "boolean") return v ? "on" : "off";
    return typeof v === "string" || typeof v === "number" ? String(v) : "";
}

function itemsOf(v: unknown): ConfigItem[] {
    return asArray(v).map((entry) => {
        const o = asObject(entry);
        const keys = asObject(o?.["keys"]) ?? {};
        return {
            name: asText(keys["name"]),
            keys: Object.entries(keys)
                .filter(([key]) => key !== "name")
                .map(([key, value]) => `${key}: ${written(value)}`)
                .join(", "),
            from: asText(o?.["from"]),
        };
    });
}

function tokenFrom(o: Json | undefined): Token {
    return {
        id: asText(o?.["id"]),
        kind: asText(o?.["kind"]),
        role: asText(o?.["role"]),
        note: asText(o?.["note"]),
        createdMs: asNumber(o?.["created"]),
        expiresMs: asNumber(o?.["expires"]),
        expired: o?.["expired"] === true,
    };
}

export function parseConfig(v: unknown): Result<Config> {
    const o = asObject(v);
    if (!o || !Array.isArray(o["config"])) return fail("the answer lacks the configuration");
    return ok({
        keys: asArray(o["config"]).flatMap((entry) => {
            const row = asObject(entry);
            const key = asText(row?.["key"]);
            if (!row || key === "") return [];
            return [
                {
                    key,
                    value: written(row["value"]),
                    standard: written(row["default"]),
                    from: asText(row["from"]),
                    doc: asText(row["doc"]),
                },
            ];
        }),
        channels: itemsOf(o["channels"]),
        alerts: itemsOf(o["alerts"]),
        tokens: asArray(o["tokens"]).map((t) => tokenFrom(asObject(t))),
        sessions: asNumber(o["sessions"]) ?? 0,
    });
}
