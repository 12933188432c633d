/* A sentence whose numbers are not of now any more says so first: nothing old is told as if it were new. */
import { serverNow, whenText } from "../domain/time";
import type { Session } from "../store/session";

interface Said {
    lead: string;
    rest: string;
}

export function saidNow<S extends Said>(session: Session, said: S): S {
    const since = session.staleSince;
    if (session.liveness.value !== "stale" || since === undefined) return said;
    return {
        ...said,
        lead: `Nothing new since ${whenText(since, serverNow())}.`,
        rest: `Then: ${said.lead} ${said.rest}`,
    };
}
