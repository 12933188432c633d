/* One interface: what it is, what it carries, its charts. */
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { healthOf, kindText, stateText, type Interface } from "../domain/interfaces";
import { serverNow, whenText } from "../domain/time";
import { digits, NO_VALUE, quantity, speed, text, type ByteUnit } from "../domain/units";
import type { Selection } from "../store/selection";
import { WarningMark } from "../widgets/marks";
import { Speed, Value } from "../widgets/value";
import { usePage } from "./context";
import { meansOf } from "./means";
import {
    BANDED_METRICS,
    lossChart,
    NETWORK_GROUPS,
    packetsChart,
    throughputChart,
} from "./network-charts";

/* A device name may hold what a glob reads as a pattern. */
function exactly(text: string): string {
    return text.replace(/[*?[\]\\]/g, "?");
}

export function deviceSelection(device: string): Selection {
    const match = [`device=${exactly(device)}`];
    const bands = { metrics: BANDED_METRICS, match };
    return { key: `device ${device}`, groups: NETWORK_GROUPS, match, bands };
}

export function DevicePage({ device }: { device: string }) {
    const { session, location, preferences } = usePage();
    const charts = useMemo(
        () => ({
            throughput: throughputChart([device]),
            packets: packetsChart([device]),
            losses: lossChart([device]),
        }),
        [device],
    );
    const all = session.interfaces.value;
    const row = all.find((i) => i.device === device);
    const bytesAs = preferences.bytesAs.value;
    const words = (i: Interface) => {
        if (location.range.value.kind === "fixed") {
            void session.painted.value; // it may just have been read
            return meanWords(meansOf(session.window, [i])[0]!, bytesAs);
        }
        const stale = session.liveness.value === "stale";
        return stateWords(i, bytesAs, stale ? session.staleSince : undefined);
    };
    return (
        <>
            <p class="back">
                <a href={location.href("interfaces")}>All interfaces</a>
            </p>
            <h1 class="sentence" data-level={row ? healthOf(row) : "unknown"}>
                <strong>{device}</strong> {row ? words(row) : absentWords(all.length > 0)}
            </h1>
            <Facts row={row} bytesAs={bytesAs} />
            <h2 class="visually-hidden" id="charts-title">
                Charts of {device}
            </h2>
            <section class="charts" aria-labelledby="charts-title">
                <Chart spec={charts.throughput} size="large" device={device} />
                <Chart spec={charts.packets} size="half" device={device} />
                <Chart spec={charts.losses} size="half" device={device} />
            </section>
        </>
    );
}

function absentWords(listed: boolean): string {
    return listed ? "is not there now. What was measured of it before is below." : "";
}

function meanWords(i: Interface, bytesAs: ByteUnit): string {
    const rate = (v: number) => text(quantity(v, "bytes/s", bytesAs));
    return `carried ${rate(i.rxRate)} in, ${rate(i.txRate)} out on average.`;
}

/* since: when it was last heard of, while that is not now. */
function stateWords(i: Interface, bytesAs: ByteUnit, since: number | undefined): string {
    const rate = (v: number) => text(quantity(v, "bytes/s", bytesAs));
    const is = since === undefined ? "is" : "was";
    const heard = since === undefined ? "" : ` when last heard of, ${whenText(since, serverNow())}`;
    const at = i.speedBps ? ` at ${text(speed(i.speedBps))}` : "";
    const busy = Math.max(i.rxRate || 0, i.txRate || 0) * 8;
    const share =
        i.speedBps && busy > 0 ? `, ${digits((busy / i.speedBps) * 100)}\u2009% of it used` : "";
    const state = i.state && i.state !== "unknown" ? `${is} ${stateText(i.state)}` : `${is} there`;
    return `${state}${at}${share}${heard}: ${rate(i.rxRate)} in, ${rate(i.txRate)} out.`;
}

/* The list is there before its values, so that the charts below keep their place. */
function Facts({ row, bytesAs }: { row: Interface | undefined; bytesAs: ByteUnit }) {
    const count = (v = NaN) => <Value value={v} measure="count" bytesAs={bytesAs} />;
    const bytes = (v = NaN) => <Value value={v} measure="bytes" bytesAs={bytesAs} />;
    return (
        <dl class="facts">
            <Fact name="Kind">{(row && kindText(row)) || NO_VALUE}</Fact>
            <Fact name="State">
                {row && healthOf(row) === "warning" && <WarningMark />}
                {stateText(row?.state ?? "") || NO_VALUE}
            </Fact>
            <Fact name="Speed">
                <Speed bps={row?.speedBps} />
            </Fact>
            <Fact name="MTU">{row?.mtu ?? NO_VALUE}</Fact>
            <Fact name="Received">{bytes(row?.rxBytes)}</Fact>
            <Fact name="Sent">{bytes(row?.txBytes)}</Fact>
            <Fact name="Packets in">{count(row?.rxPackets)}</Fact>
            <Fact name="Packets out">{count(row?.txPackets)}</Fact>
            <Fact name="Errors">{count(row?.errors)}</Fact>
            <Fact name="Drops">{count(row?.drops)}</Fact>
            <Fact name="Addresses" wide>
                {row?.addresses.join("  ") || NO_VALUE}
            </Fact>
        </dl>
    );
}

function Fact(props: { name: string; wide?: boolean; children: preact.ComponentChildren }) {
    return (
        <div class={props.wide ? "fact-wide" : ""}>
            <dt>{props.name}</dt>
            <dd>{props.children}</dd>
        </div>
    );
}
