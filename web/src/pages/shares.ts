/* A share (a rule with `per`) has no unit; that it is one is known from its rule. */
import type { Alert } from "../store/alerts";
import { usePage } from "./context";

export function useShares(): (a: Alert) => Alert {
    const rules = usePage().session.alerts.rules.state.value.value ?? [];
    const shares = new Set(rules.filter((r) => r.per !== "").map((r) => r.name));
    return (a) => (a.unit === "" && shares.has(a.rule) ? { ...a, unit: "ratio" } : a);
}
