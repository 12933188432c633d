import assert from "node:assert/strict";
import { test } from "node:test";
import { ColumnTable, type Row } from "./column-table";
import { parseFilter } from "./filter";
import { parseSortKey, sortKeyText, TableView, type SortKey } from "./table-view";

const COLUMNS = ["id", "process", "remote", "rx_rate", "tx_rate", "rx_bytes"];
const ROWS: Row[] = [
    [1, "curl", "10.0.0.1:443", 5.5, 0, 100],
    [2, "Curl", "fe80::1", null, null, 4431],
    [3, null, "10.0.0.2:80", 5.5, 1, 7],
    [4, "sshd", null, 0, 0, 1e12],
];

function made(rows: readonly Row[] = ROWS) {
    const table = new ColumnTable(COLUMNS);
    for (const row of rows) table.put(row);
    return { table, view: new TableView(table) };
}

function shown(view: TableView, filter: string, sort?: SortKey): number[] {
    const parsed = parseFilter(COLUMNS, filter);
    assert.ok(parsed.ok);
    view.filterBy(parsed.words);
    view.sortBy(sort);
    view.refresh();
    return [...view.order.subarray(0, view.count)].map((slot) => view.table.idOf(slot));
}

const by = (column: string, descending = false): SortKey => ({ column, descending });

test("filters", () => {
    const { view } = made();
    const passing: [string, number[]][] = [
        ["CURL", [1, 2]],
        ["443", [1, 2]],
        ["remote:443", [1]],
        ["-curl", [3, 4]],
        ["rx_rate>0", [1, 3]],
        ["-rx_rate>0", [2, 4]],
        ["rx_rate<1", [4]],
        ["process:", [1, 2, 4]],
        ["5.5 -process:c", [3]],
        ["id:3", [3]],
        ["fe80::1", [2]],
        ["1000000000000", [4]],
        ["nothing", []],
    ];
    for (const [filter, ids] of passing)
        assert.deepEqual(shown(view, filter, by("id")), ids, filter);
});

test("orders, with what is not known first", () => {
    const { view } = made();
    assert.deepEqual(shown(view, "", by("rx_bytes")), [3, 1, 2, 4]);
    assert.deepEqual(shown(view, "", by("rx_bytes", true)), [4, 2, 1, 3]);
    assert.deepEqual(shown(view, "", by("process")), [3, 2, 1, 4]);
    assert.deepEqual(shown(view, "", by("rx_rate")), [2, 4, 1, 3]);
    assert.deepEqual(shown(view, ""), [3, 1, 4, 2], "rates, then totals, largest first");
});

test("negative numbers and zeros", () => {
    const rows = [-1e9, 3, -0.5, 0, 1e-9, -2, NaN].map((v, i): Row => [i, "", "", v, 0, 0]);
    const { view } = made(rows);
    assert.deepEqual(shown(view, "", by("rx_rate")), [6, 0, 5, 2, 3, 4, 1]);
});

test("changed rows alone are looked at again, and those that are gone go", () => {
    const { table, view } = made();
    assert.deepEqual(shown(view, "curl", by("id")), [1, 2]);
    table.put([3, "curl", null, 1, 1, 1]);
    table.put([1, "wget", null, 1, 1, 1]);
    table.remove(2);
    table.put([9, "curl9", null, 1, 1, 1]);
    view.refresh();
    const ids = [...view.order.subarray(0, view.count)].map((s) => table.idOf(s));
    assert.deepEqual(ids, [3, 9]);
    assert.deepEqual(table.rowAt(table.slotOf(9)!), [9, "curl9", null, 1, 1, 1]);
});

test("a slot is given away only when nobody paints it any more", () => {
    const { table, view } = made();
    view.refresh();
    const slot = table.slotOf(2)!;
    table.remove(2);
    table.put([10, "new", null, 0, 0, 0]);
    assert.equal(table.text(1, slot), "Curl");
    view.refresh();
    table.put([11, "newer", null, 0, 0, 0]);
    assert.equal(table.slotOf(11), slot);
});

test("a pass sweeps what it did not see", () => {
    const { table } = made();
    table.begin();
    table.put(ROWS[0]!);
    table.put(ROWS[3]!);
    table.sweep();
    assert.deepEqual([table.count, table.slotOf(2), table.slotOf(3)], [2, undefined, undefined]);
});

test("texts that come and go do not pile up", () => {
    const { table, view } = made([]);
    for (let round = 0; round < 50; round++) {
        table.begin();
        for (let i = 0; i < 300; i++) table.put([i + round * 300, `p${round}-${i}`, "", 0, 0, 0]);
        table.sweep();
        view.refresh();
    }
    assert.ok(table.texts(1)!.strings.length < 6000);
    assert.deepEqual(shown(view, "p49-299", by("process")).length, 1);
});

test("texts that come later take their place in the order", () => {
    const { table, view } = made();
    shown(view, "", by("process"));
    table.put([5, "aaa", null, 0, 0, 0]);
    table.put([6, "zzz", null, 0, 0, 0]);
    assert.deepEqual(shown(view, "", by("process")), [3, 2, 5, 1, 4, 6]);
});

test("the order in an address", () => {
    assert.deepEqual(parseSortKey(COLUMNS, "-rx_rate"), by("rx_rate", true));
    assert.equal(parseSortKey(COLUMNS, "nope"), undefined);
    assert.equal(sortKeyText(by("process")), "process");
    assert.equal(sortKeyText(undefined), "");
});
