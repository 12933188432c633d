/* Who is connected, the longest queue first. For admins: it tells addresses. */
import { digits, durationText, NO_VALUE, quantity, text } from "../domain/units";
import type { ClientRow, PerformanceStore } from "../store/performance";
import { useNow } from "../widgets/now";
import { TableHeads } from "../widgets/table-heads";
import { useAdmin } from "./admin";
import { momentCell } from "./alert-files";
import { SaveTable } from "./save-table";

const SHOWN_MOST = 100;
const COLUMNS = ["Viewer", "Listens to", "Since", "Messages", "Bytes", "Queue", "Lost", "Latency"];

export function Clients({ store }: { store: PerformanceStore }) {
    const admin = useAdmin();
    const now = useNow(10_000);
    const p = store.now.value;
    const clients = p?.clients;
    const rows = [...(clients?.rows ?? [])].sort(
        (a, b) => b.queueBytes - a.queueBytes || b.dropped - a.dropped || a.id - b.id,
    );
    return (
        <section class="group" aria-labelledby="clients-title">
            <div class="table-head">
                <h2 id="clients-title">
                    Viewers <span class="count">{clients?.total ?? ""}</span>
                </h2>
                {rows.length > 0 && <SaveTable table={fileOf(rows)} />}
            </div>
            {rows.length > 0 && (
                <table class="lines clients" role="table" aria-labelledby="clients-title">
                    <TableHeads heads={COLUMNS} />
                    <tbody role="rowgroup">
                        {rows.slice(0, SHOWN_MOST).map((c) => (
                            <Row key={c.id} c={c} now={now} />
                        ))}
                    </tbody>
                </table>
            )}
            {clients && clients.total > Math.min(rows.length, SHOWN_MOST) && (
                <p class="table-empty">
                    {(clients.total - Math.min(rows.length, SHOWN_MOST)).toLocaleString("en")} more
                    with shorter queues are not listed.
                </p>
            )}
            {p && !clients && (
                <p class="table-empty" data-empty="clients">
                    {admin
                        ? "The server told no rows."
                        : "Who is connected is told to admins only: log in with an admin token (netsonde token new --role admin)."}
                </p>
            )}
        </section>
    );
}

function Row({ c, now }: { c: ClientRow; now: number }) {
    const bytes = (v: number) => text(quantity(v, "bytes", "bytes"));
    const lost = [
        c.conflated > 0 && `${c.conflated} replaced`,
        c.dropped > 0 && `${c.dropped} dropped`,
    ].filter(Boolean);
    return (
        <tr role="row" data-client={c.id}>
            <th role="rowheader" scope="row">
                {c.address} <span class="quiet">{c.role}</span>
            </th>
            <td role="cell" data-title="Listens to">
                {c.subscriptions.join(", ") || NO_VALUE}
            </td>
            <td role="cell" data-title="Since">
                {durationText(now - c.connectedMs)}
            </td>
            <td role="cell" data-title="Messages">
                {c.messages.toLocaleString("en")}
            </td>
            <td role="cell" data-title="Bytes">
                {bytes(c.bytes)}
            </td>
            <td role="cell" data-title="Queue">
                {bytes(c.queueBytes)}
            </td>
            <td role="cell" data-title="Lost">
                {lost.join(", ") || "nothing"}
            </td>
            <td role="cell" data-title="Latency">
                {Number.isNaN(c.latencyMs) ? NO_VALUE : `${digits(c.latencyMs)}\u2009ms`}
            </td>
        </tr>
    );
}

function fileOf(rows: readonly ClientRow[]) {
    return {
        what: "Viewers",
        key: "viewers",
        columns: [
            ...["id", "address", "role", "subscriptions", "connected", "messages", "bytes"],
            ...["queue_bytes", "conflated", "dropped", "round_trip_ms", "latency_ms"],
        ],
        rows: () =>
            rows.map((c) => [
                ...[c.id, c.address, c.role, c.subscriptions.join(" "), momentCell(c.connectedMs)],
                ...[c.messages, c.bytes, c.queueBytes, c.conflated, c.dropped],
                ...[c.roundTripMs, c.latencyMs],
            ]),
    };
}
