/* What the overview says about this moment beside the numbers: who talks, and what calls for somebody. */
import { useEffect, useMemo } from "preact/hooks";
import { calls, inOrder } from "../domain/alerts";
import { wordFor } from "../domain/filter";
import { talkersOf, type Talker } from "../domain/talkers";
import { serverNow, whenText } from "../domain/time";
import { durationText } from "../domain/units";
import { TableStore } from "../store/table-store";
import { SeverityMark } from "../widgets/marks";
import { Skeleton } from "../widgets/skeleton";
import { useNow } from "../widgets/now";
import { Value } from "../widgets/value";
import { usePage } from "./context";
import { SaveTable } from "./save-table";

const ROWS = 6;
const ASKED = 50; // the server's order is by rates then totals, one direction after the other

export function NowPanel() {
    return (
        <div class="now-panel">
            <TopTalkers />
            <Attention />
        </div>
    );
}

function TopTalkers() {
    const { session, location, preferences } = usePage();
    const store = useMemo(() => new TableStore(session, "processes"), [session]);
    const range = location.range.value;
    const atMs = range.kind === "fixed" ? range.toMs : undefined;
    useEffect(() => {
        const wish = { filter: "", sort: "", limit: ASKED };
        if (atMs === undefined) store.showLive(wish);
        else void store.showPast(wish, atMs);
        return () => store.stop();
    }, [store, atMs]);
    const { columns, rows, t, error } = store.state.value;
    const talkers = useMemo(() => talkersOf(columns, rows, ROWS), [columns, rows]);
    const most = Math.max(1, ...talkers.flatMap((x) => [x.rxRate || 0, x.txRate || 0]));
    const past = atMs !== undefined && t > 0;
    return (
        <section class="panel" aria-labelledby="talkers-title">
            <div class="table-head">
                <h2 id="talkers-title">
                    <a href={location.href("processes")}>Top talkers</a>{" "}
                    {past && <span class="quiet">as stored at {whenText(t, serverNow())}</span>}
                </h2>
                <SaveTable
                    table={{
                        what: "Processes",
                        server: () => ({ table: "processes", sort: "", filter: "", atMs }),
                    }}
                />
            </div>
            {error && <p class="table-empty">{error}</p>}
            {!error && t === 0 && <Skeleton rows={ROWS} what="processes" />}
            {!error && t > 0 && talkers.length === 0 && (
                <p class="table-empty">No process has used the network.</p>
            )}
            {talkers.length > 0 && (
                <table class="talkers">
                    <thead class="visually-hidden">
                        <tr>
                            <th scope="col">Process</th>
                            <th scope="col">Receive</th>
                            <th scope="col">Transmit</th>
                        </tr>
                    </thead>
                    <tbody>
                        {talkers.map((x) => (
                            <TalkerRow
                                key={x.id}
                                talker={x}
                                most={most}
                                href={location.href("processes", { filter: wordFor("process", x.name) })}
                                bytesAs={preferences.bytesAs.value}
                            />
                        ))}
                    </tbody>
                </table>
            )}
        </section>
    );
}

interface TalkerRowProps {
    talker: Talker;
    most: number; // the highest rate of all: one scale
    href: string;
    bytesAs: "bits" | "bytes";
}

function TalkerRow({ talker, most, href, bytesAs }: TalkerRowProps) {
    return (
        <tr>
            <th scope="row" title={[talker.name, talker.unit].filter(Boolean).join(" · ")}>
                <a href={href}>
                    <bdi>{talker.name || "(no name)"}</bdi>
                </a>
                {talker.unit && <span class="kind">{talker.unit}</span>}
            </th>
            <td>
                <Meter value={talker.rxRate} most={most} tone="receive" />
                <Value value={talker.rxRate} measure="bytes/s" bytesAs={bytesAs} />
            </td>
            <td>
                <Meter value={talker.txRate} most={most} tone="transmit" />
                <Value value={talker.txRate} measure="bytes/s" bytesAs={bytesAs} />
            </td>
        </tr>
    );
}

function Meter({ value, most, tone }: { value: number; most: number; tone: string }) {
    const width = value > 0 ? Math.max(1, (100 * value) / most) : 0;
    return (
        <svg class={`meter tone-${tone}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect class="meter-ground" x="0" y="0" width="100" height="4" />
            <rect x="0" y="0" width={width} height="4" fill="currentColor" />
        </svg>
    );
}

function Attention() {
    const { session, location } = usePage();
    const now = useNow(10_000);
    const active = inOrder(session.alerts.active.value.filter(calls)).slice(0, ROWS - 1);
    const others = session.alerts.active.value.filter(calls).length - active.length;
    void session.painted.value;
    const unusual = newest(session, "netsonde_anomalous_series");
    return (
        <section class="panel" aria-labelledby="attention-title">
            <h2 id="attention-title">
                <a href={location.href("alerts")}>Needs attention</a>
            </h2>
            <ul class="attention">
                {active.map((a) => (
                    <li key={a.id}>
                        <SeverityMark severity={a.severity} />
                        <a href={location.href("alerts", { rule: a.rule })}>
                            <bdi>{a.summary}</bdi>
                        </a>
                        <span class="quiet">
                            {durationText(now - (a.startedMs ?? a.changedMs))}
                        </span>
                    </li>
                ))}
                {others > 0 && <li class="quiet">{others} more</li>}
                {active.length === 0 && session.alerts.known.value && (
                    <li class="quiet">No alert is firing.</li>
                )}
                <li class="quiet">
                    {unusual > 0
                        ? `${unusual} watched ${unusual === 1 ? "series is" : "series are"} unusual now.`
                        : unusual === 0
                          ? "No watched series is unusual now."
                          : ""}
                </li>
            </ul>
        </section>
    );
}

/* The last value of a series that the page has; NaN while it has none. */
function newest(session: ReturnType<typeof usePage>["session"], name: string): number {
    const { grid, series } = session.window;
    for (const s of series.values())
        if (grid && s.name === name) return Math.round(grid.at(s.id, grid.head));
    return NaN;
}
