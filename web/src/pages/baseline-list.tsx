/* Which baselines there are; making one of the window at the top, deleting one that has served. */
import { useSignal } from "@preact/signals";
import { rangeQuery, spanOf, type Range } from "../domain/range";
import { durationText, fromToText, NO_VALUE } from "../domain/units";
import { serverNow } from "../domain/time";
import type { Baseline, Baselines } from "../store/baselines";
import { Action } from "../widgets/action";
import { WarningMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { Skeleton } from "../widgets/skeleton";
import { TableHeads } from "../widgets/table-heads";
import { useAdmin } from "./admin";
import { momentCell } from "./alert-files";
import { comparedRange } from "./baseline-choice";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable } from "./save-table";

const HEADS = [
    ...["Name", "Of", "Series", "Minutes", "Made"],
    <span class="visually-hidden">What can be done</span>,
];
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

export function BaselineList({ store }: { store: Baselines }) {
    const { value, error, loading } = store.list.state.value;
    const trouble = useSignal<string | undefined>(undefined);
    const list = value ?? [];
    return (
        <section class="group" aria-labelledby="baselines-title">
            <div class="table-head">
                <h2 id="baselines-title">
                    Baselines <span class="count">{value ? list.length : ""}</span>
                </h2>
                <SaveTable table={fileOf(list)} />
            </div>
            {error && <p class="table-empty">Baselines could not be read: {error}.</p>}
            {loading && !value && <Skeleton rows={2} what="baselines" />}
            {list.length > 0 && (
                <table class="lines baseline-list" role="table" aria-labelledby="baselines-title">
                    <TableHeads heads={HEADS} />
                    <tbody role="rowgroup">
                        {list.map((b) => (
                            <Row
                                key={b.name}
                                baseline={b}
                                store={store}
                                tell={(e) => (trouble.value = e)}
                            />
                        ))}
                    </tbody>
                </table>
            )}
            {value && list.length === 0 && (
                <p class="table-empty" data-empty="baselines">
                    No baseline yet. A baseline keeps how every series behaved over a window, so that
                    a later one can be compared with it.
                </p>
            )}
            <p role="alert" class="alert-trouble">
                {trouble.value}
            </p>
            <MakeForm store={store} />
        </section>
    );
}

interface RowProps {
    baseline: Baseline;
    store: Baselines;
    tell(error: string | undefined): void;
}

function Row({ baseline: b, store, tell }: RowProps) {
    const { location } = usePage();
    const admin = useAdmin();
    const now = useNow(10_000);
    const asked = useSignal(false);
    const count = (n: number) => (n > 0 ? n.toLocaleString("en") : NO_VALUE);
    return (
        <tr role="row" data-baseline={b.name}>
            <th role="rowheader" scope="row">
                <a href={location.href("baselines", { baseline: b.name })}>
                    <strong>{b.name}</strong>
                </a>{" "}
                <span class="quiet">{b.comment}</span>
                {b.error && (
                    <p class="line-trouble">
                        <WarningMark /> It cannot be read: {b.error}
                    </p>
                )}
            </th>
            <td role="cell" data-title="Of">
                {b.kind === "automatic"
                    ? "this hour of the week, in the weeks before"
                    : b.fromMs !== undefined && b.toMs !== undefined
                      ? fromToText(b.fromMs, b.toMs, now)
                      : NO_VALUE}
            </td>
            <td role="cell" data-title="Series">
                {count(b.series)}
            </td>
            <td role="cell" data-title="Minutes">
                {count(b.blocks)}
            </td>
            <td role="cell" data-title="Made">
                {b.madeMs ? <Moment ms={b.madeMs} now={now} /> : "by itself"}
            </td>
            <td role="cell" class="baseline-actions">
                {b.kind === "saved" &&
                    (asked.value ? (
                        <>
                            <Action
                                allowed={admin}
                                run={() => store.remove(b.name)}
                                tell={tell}
                                label={`Really delete baseline ${b.name}`}
                            >
                                Really delete it
                            </Action>
                            <button
                                type="button"
                                class="button"
                                onClick={() => (asked.value = false)}
                            >
                                Keep it
                            </button>
                        </>
                    ) : (
                        <button
                            type="button"
                            class="button"
                            aria-label={`Delete baseline ${b.name}`}
                            onClick={() => (asked.value = true)}
                        >
                            Delete…
                        </button>
                    ))}
            </td>
        </tr>
    );
}

function stretchWords(range: Range): string {
    return range.kind === "fixed"
        ? fromToText(range.fromMs, range.toMs, serverNow())
        : `the last ${durationText(spanOf(range))}`;
}

function MakeForm({ store }: { store: Baselines }) {
    const { location } = usePage();
    const admin = useAdmin();
    const name = useSignal("");
    const comment = useSignal("");
    const said = useSignal<string | undefined>(undefined);
    const taken = useSignal(false);
    const window = comparedRange(location.range.value);
    const list = store.list.state.value.value ?? [];
    const make = async () => {
        taken.value = false;
        const sent = await store.make({
            name: name.value,
            comment: comment.value,
            ...rangeQuery(window),
            replace: list.some((b) => b.name === name.value),
        });
        return sent;
    };
    const exists = list.some((b) => b.name === name.value && b.kind === "saved");
    const wrong =
        name.value !== "" && !NAME.test(name.value)
            ? "A name has up to 64 letters, digits, dots, dashes and underscores."
            : name.value === "auto"
              ? "The automatic baseline has this name."
              : "";
    return (
        <form
            class="baseline-form silence-form"
            aria-label="Make a baseline"
            onSubmit={(e) => e.preventDefault()}
        >
            <label>
                Name{" "}
                <input
                    value={name.value}
                    maxLength={64}
                    placeholder="before-update"
                    aria-invalid={wrong ? "true" : undefined}
                    aria-describedby="baseline-wrong"
                    onInput={(e) => (name.value = e.currentTarget.value)}
                />
            </label>
            <label class="silence-comment">
                Comment{" "}
                <input
                    value={comment.value}
                    maxLength={200}
                    onInput={(e) => (comment.value = e.currentTarget.value)}
                />
            </label>
            <Action
                primary
                allowed={admin}
                run={() =>
                    NAME.test(name.value) && name.value !== "auto"
                        ? make()
                        : Promise.resolve({ ok: false, error: wrong || "It needs a name." })
                }
                tell={(e) => {
                    said.value = e ?? `Saved as “${name.value}”.`;
                    if (e === undefined) name.value = comment.value = "";
                }}
            >
                {exists ? "Replace it by" : "Save"} {stretchWords(window)}
            </Action>
            <p id="baseline-wrong" role="status" class="line-note">
                {wrong || said.value}
            </p>
        </form>
    );
}

function fileOf(list: readonly Baseline[]) {
    return {
        what: "Baselines",
        key: "baselines",
        columns: ["name", "kind", "comment", "made", "from", "to", "series", "minutes"],
        rows: () =>
            list.map((b) => [
                ...[b.name, b.kind, b.comment],
                ...[b.madeMs, b.fromMs, b.toMs].map(momentCell),
                ...[b.series, b.blocks],
            ]),
    };
}
