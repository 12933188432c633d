import assert from "node:assert/strict";
import { test } from "node:test";
import { interfaceFrom, type Interface } from "./interfaces";
import { overviewVerdict, type Amounts } from "./verdict";

function make(device: string, rx: number, tx: number, state = "up", kind = "physical"): Interface {
    const columns = ["id", "device", "kind", "state", "rx_rate", "tx_rate"];
    return interfaceFrom(columns, [1, device, kind, state, rx, tx])!;
}

const NOTHING_LOST: Amounts = {
    knownMs: 900_000,
    unknownMs: 0,
    past: false,
    losses: [],
    segmentsSent: 0,
    segmentsAgain: 0,
    datagramsOverrun: 0,
    datagramsUnheard: 0,
    backlogDrops: 0,
};

const ETH0 = make("eth0", 5_250_000, 125_000);
const LO = (rate: number) => make("lo", rate, rate, "unknown", "loopback");

function judge(amounts: Partial<Amounts>, all: Interface[] = [ETH0], counted = ["eth0"]) {
    return overviewVerdict(all, counted, { ...NOTHING_LOST, ...amounts }, "bits");
}

test("all quiet names who carries how much", () => {
    const v = judge({});
    assert.equal(v.level, "good");
    assert.equal(v.lead, "All quiet.");
    assert.equal(v.traffic, "eth0 carries 42.0\u2009Mbit/s in, 1.00\u2009Mbit/s out.");
    assert.equal(v.rest, "No packet lost in the last 15\u2009min.");
    const two = [make("eth1", 1, 1), ETH0];
    assert.match(judge({}, two, ["eth0", "eth1"]).traffic, /^eth0 carries most: 42\.0/);
});

test("lost packets come before a link that is down", () => {
    const all = [make("eth0", 1, 1), make("eth1", 0, 0, "down")];
    const losses = [
        { device: "eth1", packets: 0.2 },
        { device: "eth0", packets: 12 },
    ];
    const v = judge({ losses }, all);
    assert.equal(v.level, "warning");
    assert.equal(v.lead, "eth0 lost packets.");
    assert.equal(
        v.rest,
        "12 errors and drops on eth0 in the last 15\u2009min. Also: eth1 is down.",
    );
});

test("links that are down are named", () => {
    const all = [make("eth0", 1, 1), make("eth10", 0, 0, "down"), make("eth2", 0, 0, "down")];
    const v = judge({}, all);
    assert.equal(v.lead, "2 interfaces are down.");
    assert.equal(v.rest, "eth2, eth10.");
    assert.equal(judge({}, all.slice(0, 2)).lead, "eth10 is down.");
    assert.equal(judge({}, all.slice(0, 2)).rest, "");
});

test("nothing known, nothing moving", () => {
    assert.equal(overviewVerdict([], [], NOTHING_LOST, "bits").level, "unknown");
    const still = judge({ knownMs: 0 }, [make("eth0", 0, NaN)]);
    assert.equal(still.traffic, "No traffic right now.");
    assert.equal(still.rest, "");
    assert.equal(still.level, "good");
});

test("traffic that stays inside the host is told for what it is", () => {
    const still = make("eth0", 0, 0);
    assert.equal(
        judge({}, [still, LO(625_000)]).traffic,
        "Traffic stays inside this host: lo carries 5.00\u2009Mbit/s.",
    );
    assert.equal(
        judge({}, [make("eth0", 100, 20), LO(625_000)]).traffic,
        "lo carries 5.00\u2009Mbit/s inside this host, eth0 800\u2009bit/s in, 160\u2009bit/s out.",
    );
    assert.doesNotMatch(judge({}, [ETH0, LO(625_000)]).traffic, /lo/);
    assert.match(
        judge({}, [LO(625_000)], ["lo"]).traffic,
        /^Traffic stays inside this host: lo carries 5\.00/,
    );
    const bridge = make("docker0", 1000, 2000, "up", "bridge");
    assert.equal(
        judge({}, [still, bridge, LO(10)]).traffic,
        "Traffic stays inside this host: docker0 carries 8.00\u2009kbit/s in, 16.0\u2009kbit/s out.",
    );
});

test("TCP that sends much again is a warning", () => {
    const v = judge({ segmentsSent: 40_000, segmentsAgain: 1_120 });
    assert.equal(v.level, "warning");
    assert.equal(v.lead, "TCP sends 2.80\u2009% of its segments again.");
    assert.match(v.rest, /^1,120 of 40,000 segments in the last 15\u2009min/);
});

test("TCP that sends little again, or little at all, is none", () => {
    for (const [segmentsSent, segmentsAgain] of [
        [40_000, 799], // 1.99 %
        [900, 300], // too few to be a share
        [1_000, 19], // noise
        [0, 0],
        [0, 5],
    ] as const)
        assert.equal(judge({ segmentsSent, segmentsAgain }).level, "good", `${segmentsAgain}`);
    assert.equal(judge({ segmentsSent: 1_000, segmentsAgain: 20 }).level, "warning");
});

test("datagrams lost in full buffers are a warning, those without a listener a word", () => {
    const lost = judge({ datagramsOverrun: 312 });
    assert.equal(lost.level, "warning");
    assert.equal(lost.lead, "UDP datagrams were lost.");
    assert.match(lost.rest, /^312 datagrams came faster than programs read them/);
    assert.equal(judge({ datagramsOverrun: 0.4 }).level, "good"); // rounding, not a loss

    const unheard = judge({ datagramsUnheard: 180_000 });
    assert.equal(unheard.level, "good");
    assert.match(unheard.rest, /lost.*\. 200 UDP datagrams a second find no listener\.$/);
    assert.doesNotMatch(judge({ datagramsUnheard: 899 }).rest, /listener/);
    assert.doesNotMatch(judge({ datagramsUnheard: 5, knownMs: 0 }).rest, /listener/);
});

test("a backlog that overflows is a warning", () => {
    const v = judge({ backlogDrops: 1 });
    assert.equal(v.level, "warning");
    assert.equal(v.lead, "The kernel dropped packets.");
    assert.match(v.rest, /^1 packet came faster/);
});

test("several troubles: the worst leads, the others follow in one breath", () => {
    const v = judge({
        losses: [{ device: "eth0", packets: 3 }],
        segmentsSent: 10_000,
        segmentsAgain: 500,
        datagramsOverrun: 7,
        backlogDrops: 2,
    });
    assert.equal(v.lead, "eth0 lost packets.");
    assert.match(
        v.rest,
        /Also: 2 packets dropped by a full backlog; 7 UDP datagrams lost in full receive buffers; 5\.00\u2009% of TCP segments sent again\.$/,
    );
});

test("a window of the past is told as such, without the states of now", () => {
    const all = [ETH0, make("eth1", 0, 0, "down")];
    const v = judge({ past: true, knownMs: 120_000 }, all);
    assert.equal(v.lead, "All was quiet.");
    assert.match(v.traffic, /^eth0 carried 42\.0/);
    assert.equal(v.rest, "No packet lost in these 2\u2009min.");
    const again = judge({ past: true, segmentsSent: 10_000, segmentsAgain: 300 }, all);
    assert.equal(again.lead, "TCP sent 3.00\u2009% of its segments again.");
    assert.equal(judge({ past: true }, [make("eth0", 0, 0)]).traffic, "No traffic.");
});

test("a stretch of which nothing is known was not quiet", () => {
    const v = judge({ past: true, knownMs: 0 }, [make("eth0", NaN, NaN), LO(NaN)]);
    assert.equal(v.level, "unknown");
    assert.equal(v.lead, "Nothing was measured in this window.");
    assert.equal(v.rest + v.traffic, "");
});

test("what was not measured is not vouched for", () => {
    assert.equal(
        judge({ unknownMs: 600_000 }).rest,
        "No packet lost in the last 15\u2009min, of which 10\u2009min were not measured.",
    );
    assert.equal(judge({ unknownMs: 2000 }).rest, "No packet lost in the last 15\u2009min.");
});
