/* The marks of charts: events, and where alerts fired: those of the window and what came since. */
import { alertFlags } from "../domain/alerts";
import { withFlags, type Flag } from "../domain/flags";
import type { Alert } from "../store/alerts";
import type { Session } from "../store/session";

export function withAlerts({ flags, alerts }: Session): readonly Flag[] {
    const newest = new Map<number, Alert>();
    const keep = (a: Alert) => {
        if ((newest.get(a.id)?.seq ?? -1) <= a.seq) newest.set(a.id, a);
    };
    alerts.marks.state.value.value?.alerts.forEach(keep);
    alerts.recent.value.forEach(keep);
    for (const m of alerts.news.value) if (!m.test) [m.alert, ...m.group].forEach(keep);
    return withFlags(flags.value, alertFlags([...newest.values()]));
}
