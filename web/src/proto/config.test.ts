import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./config";

test("keys with what they are, where from, and the default", () => {
    const config = parseConfig({
        config: [
            { key: "serve.listen", value: ["a:1", "b:2"], default: ["a:1"], from: "default", doc: "d" },
            { key: "store.record_names", value: true, default: true, from: "n.yaml:1:2" },
            { key: "data_dir", value: "/x", default: null, from: "flag --data-dir" },
            { nonsense: 1 },
        ],
        channels: [{ keys: { name: "ops", type: "webhook", url: "https://h/…", to: ["a", "b"] }, from: "n.yaml:3:1" }],
        tokens: [{ id: "ab", kind: "key", role: "admin", note: "<b>", created: 5, expires: null }],
        sessions: 2,
    });
    assert.ok(config.ok);
    const { keys, channels, tokens, sessions } = config.value;
    assert.deepEqual(
        keys.map((k) => [k.key, k.value, k.standard, k.from]),
        [
            ["serve.listen", "a:1, b:2", "a:1", "default"],
            ["store.record_names", "on", "on", "n.yaml:1:2"],
            ["data_dir", "/x", "", "flag --data-dir"],
        ],
    );
    assert.deepEqual(channels, [
        { name: "ops", keys: "type: webhook, url: https://h/…, to: a, b", from: "n.yaml:3:1" },
    ]);
    assert.equal(tokens[0]!.expiresMs, undefined);
    assert.equal(tokens[0]!.expired, false);
    assert.equal(sessions, 2);
});

test("an answer of another kind is told, not shown", () => {
    assert.ok(!parseConfig(null).ok);
    assert.ok(!parseConfig({ config: "x" }).ok);
});
