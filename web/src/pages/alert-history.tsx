/* What was resolved in the window at the top of the page, the newest first. */
import { signal } from "@preact/signals";
import { lastedText, limitText, passes, readFilter, type AlertFacts } from "../domain/alerts";
import { SeverityMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { TableHeads } from "../widgets/table-heads";
import { alertsFile } from "./alert-files";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable } from "./save-table";
import { useShares } from "./shares";

const PAGE = 50;
const MOST = 1000;

/* How many the page asks for; it starts anew with the page. */
export const HISTORY_LIMIT = signal(PAGE);

const COLUMNS = ["Alert", "Series", "Limit", "Fired", "Lasted"];

export function AlertHistory() {
    const { session, location } = usePage();
    const { value, error, loading } = session.alerts.history.state.value;
    const now = useNow(10_000);
    const filter = { ...readFilter(location.place.value.query), state: "" };
    const shares = useShares();
    const listed = (value?.alerts ?? []).map(shares);
    const rows = listed.filter((a) => passes(a, filter));
    const more = (value?.total ?? 0) > listed.length && HISTORY_LIMIT.value < MOST;
    return (
        <section class="group" aria-labelledby="history-title">
            <div class="table-head">
                <h2 id="history-title">
                    History <span class="count">{value ? value.total : ""}</span>
                </h2>
                <SaveTable table={alertsFile("Resolved alerts", "alert-history", rows)} />
            </div>
            {error && <p class="table-empty">The history of alerts could not be read: {error}.</p>}
            {rows.length > 0 && (
                <table class="lines history" role="table" aria-labelledby="history-title">
                    <TableHeads heads={COLUMNS} />
                    <tbody role="rowgroup">
                        {rows.map((a) => (
                            <Row key={a.id} alert={a} now={now} />
                        ))}
                    </tbody>
                </table>
            )}
            {rows.length === 0 && !error && (
                <p class="table-empty" data-empty="history">
                    {emptyText(value !== undefined, loading, listed.length)}
                </p>
            )}
            {more && (
                <button type="button" class="button" onClick={() => (HISTORY_LIMIT.value += PAGE)}>
                    Show more
                </button>
            )}
        </section>
    );
}

function emptyText(read: boolean, loading: boolean, listed: number): string {
    if (!read && loading) return "Reading history…";
    if (listed > 0) return "None of the resolved alerts passes the filter.";
    return "No alert was resolved in this window. A longer one can be chosen at the top of the page.";
}

function Row({ alert: a, now }: { alert: AlertFacts; now: number }) {
    const { location, preferences } = usePage();
    return (
        <tr role="row" data-alert={a.id}>
            <th role="rowheader" scope="row">
                <SeverityMark severity={a.severity} />{" "}
                <span class="visually-hidden">{a.severity}</span>
                {a.summary || a.rule}{" "}
                <a class="quiet" href={location.href("alerts", { rule: a.rule })}>
                    {a.rule}
                </a>
            </th>
            <td role="cell">
                <code>{a.series}</code>
            </td>
            <td role="cell">{limitText(a, preferences.bytesAs.value)}</td>
            <td role="cell">
                {a.startedMs === undefined ? "never" : <Moment ms={a.startedMs} now={now} />}
            </td>
            <td role="cell">{lastedText(a)}</td>
        </tr>
    );
}
