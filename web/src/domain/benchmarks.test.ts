import assert from "node:assert/strict";
import { test } from "node:test";
import {
    axisLabel,
    figuresOf,
    historiesOf,
    resultText,
    resultVerdict,
    runBefore,
    withRun,
    type ResultFacts,
    type RunFacts,
} from "./benchmarks";

function result(name: string, value: number, labels: Record<string, string> = {}): ResultFacts {
    return { name, labels, value, unit: "ms", kind: "duration", better: "lower", judged: true };
}

function run(t: number, results: ResultFacts[], more: Partial<RunFacts> = {}): RunFacts {
    return { id: `fanout-${t}`, subject: "fanout", t, state: "done", settings: {}, results, ...more };
}

const along = (factor: number) =>
    [100, 1, 10].map((n) => result("p99_ms", n * factor, { clients: String(n), backend: "send" }));

test("the axis is the number of clients, else the label with the most numbers", () => {
    assert.equal(axisLabel([run(1, along(1))]), "clients");
    const series = [1, 2, 3].map((n) => result("a", n, { series: String(n), threads: String(n % 2) }));
    assert.equal(axisLabel([run(1, series)]), "series");
    assert.equal(axisLabel([run(1, [result("a", 1, { backend: "send" })])]), undefined);
    assert.equal(axisLabel([run(1, [result("a", 1, { clients: "10" })])]), undefined, "one number");
});

test("a figure a name, a curve a run, points by rising number", () => {
    const figures = figuresOf([run(2, along(2)), run(1, along(1))], "clients");
    assert.deepEqual(
        figures.map((f) => [f.name, f.curves.map((c) => [c.run.t, c.points.map((p) => p.x)])]),
        [["p99_ms, backend send", [[2, [1, 10, 100]], [1, [1, 10, 100]]]]],
    );
    assert.deepEqual(figuresOf([run(1, [result("lonely", 1, { clients: "10" })])], "clients"), []);
    const quiet = ["1", "10"].flatMap((clients) => [
        result("lost", 0, { clients }),
        { ...result("max_ms", 5, { clients }), judged: false },
    ]);
    assert.deepEqual(figuresOf([run(1, quiet)], "clients"), []);
    const odd = [result("x", 1, { clients: "-1" }), result("x", 1, { clients: "<script>" })];
    assert.deepEqual(figuresOf([run(1, odd)], "clients"), []);
});

test("over time: the point farthest out that most runs have, of runs that are over", () => {
    const short = run(1, along(1).filter((r) => r.labels["clients"] !== "100"));
    const runs = [run(4, along(9), { state: "running" }), run(3, along(3)), run(2, along(2)), short];
    const [h] = historiesOf(runs, "clients");
    assert.equal(h!.at, 10);
    assert.deepEqual(h!.points.map((p) => [p.run.t, p.result.value]), [[1, 10], [2, 20], [3, 30]]);
    const [plain] = historiesOf([run(1, [result("a", 5)])], undefined);
    assert.ok(Number.isNaN(plain!.at));
});

test("worse and better go by the kind's threshold and by which direction is better", () => {
    assert.equal(resultVerdict(result("a", 121), result("a", 100)), "regressed");
    assert.equal(resultVerdict(result("a", 119), result("a", 100)), "unchanged");
    assert.equal(resultVerdict(result("a", 79), result("a", 100)), "improved");
    const memory = (v: number) => ({ ...result("m", v), kind: "memory" });
    assert.equal(resultVerdict(memory(129), memory(100)), "unchanged");
    const rate = (v: number) => ({ ...result("r", v), kind: "throughput", better: "higher" as const });
    assert.equal(resultVerdict(rate(79), rate(100)), "regressed");
    assert.equal(resultVerdict(rate(121), rate(100)), "improved");
    const size = (v: number) => ({ ...result("s", v), kind: "size" });
    assert.equal(resultVerdict(size(900), size(1)), "unchanged", "a size is never called worse");
    const largest = { ...result("max_ms", 900), judged: false };
    assert.equal(resultVerdict(largest, result("max_ms", 1)), "unchanged");
    assert.equal(resultVerdict(rate(1), undefined), "not_enough_data");
    assert.equal(resultVerdict(rate(1), rate(0)), "not_enough_data");
});

test("a run's next state takes its place; the one before is over and of the same subject", () => {
    const list = [run(3, []), run(2, [], { state: "failed" }), run(1, [])];
    assert.equal(runBefore(list, list[0]!)!.t, 1);
    assert.equal(runBefore(list, list[2]!), undefined);
    const longer = { ...list[0]!, settings: { seconds: "60" } };
    assert.equal(runBefore(list, longer), undefined, "measured otherwise");
    const next = withRun(list, { ...list[0]!, state: "failed" }, 10);
    assert.deepEqual(next.map((r) => [r.t, r.state]), [[3, "failed"], [2, "failed"], [1, "done"]]);
    assert.equal(withRun(list, run(4, []), 3).length, 3);
});

test("values in their units", () => {
    assert.equal(resultText(1.9, "ms"), "1.90\u2009ms");
    assert.equal(resultText(9.4e6, "bytes"), "9.40\u2009MB");
    assert.equal(resultText(2.1e6, "samples/s"), "2.10\u2009M\u2009samples/s");
});
