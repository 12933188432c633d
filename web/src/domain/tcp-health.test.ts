import assert from "node:assert/strict";
import { test } from "node:test";
import { tcpVerdict, type TcpFacts } from "./tcp-health";

const WELL: TcpFacts = {
    sent: 10_000,
    again: 10,
    rttMs: 0.4,
    rttHighMs: 12,
    unmeasured: "",
    lost: 0,
    worst: "",
    notTaken: 0,
};
const SPAN = "in the last 15 min";

test("what is well is said quietly, with its numbers", () => {
    const v = tcpVerdict(WELL, SPAN);
    assert.equal(v.level, "good");
    assert.match(v.rest, /^0\.10 % of the segments were sent again in the last 15 min\./);
    assert.match(v.rest, /400\s.s in the median, one of a hundred 12\.0\sms/);
});

test("the worst comes first: a full queue, then losses on the way, then losses here", () => {
    const all = { ...WELL, again: 900, lost: 5, worst: "network card", notTaken: 3 };
    assert.match(tcpVerdict(all, SPAN).lead, /too slowly/);
    assert.match(tcpVerdict({ ...all, notTaken: 0 }, SPAN).lead, /loses packets/);
    assert.match(tcpVerdict({ ...WELL, lost: 5, worst: "network card" }, SPAN).rest, /^5 .* network card/);
});

test("a few segments are no share, none are no verdict", () => {
    assert.equal(tcpVerdict({ ...WELL, sent: 20, again: 3 }, SPAN).level, "good");
    const none = tcpVerdict(
        { ...WELL, sent: 0, again: 0, rttMs: NaN, rttHighMs: NaN, unmeasured: "Why not." },
        SPAN,
    );
    assert.deepEqual([none.level, none.rest], ["unknown", "Why not."]);
});
