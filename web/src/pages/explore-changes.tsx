/*
 * What changed here? The series of a family, or of everything, whose mean in the window lies furthest
 * from that of the stretch of the same length before.
 */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { groupOf, measured } from "../domain/catalogue";
import type { Change } from "../domain/changed";
import { queryOf, type Query } from "../domain/exploration";
import { cut, plain } from "../domain/explore-words";
import { pinned, type Range } from "../domain/range";
import { exactGlob } from "../domain/saving";
import { fromToText, serverNow } from "../domain/time";
import { digits, durationText, quantity, text } from "../domain/units";
import type { Explorer } from "../store/explorer";
import { Segmented } from "../widgets/segmented";
import { Skeleton } from "../widgets/skeleton";
import { useEnvironment } from "../charts/environment";
import { usePage } from "./context";

interface ChangesProps {
    explorer: Explorer;
    family: string; // of the first question, "" for none
    onAdd(query: Query): void;
    full: boolean; // no question may be added
}

type Scope = "family" | "all";

export function ChangesPanel({ explorer, family, onAdd, full }: ChangesProps) {
    const { location } = usePage();
    const { bytesAs } = useEnvironment();
    const range = location.range.value;
    const scope = useSignal<Scope>("family");
    const asked = useSignal<{ fromMs: number; toMs: number } | undefined>(undefined);
    useEffect(() => {
        asked.value = undefined;
        explorer.changes.forget();
    }, [range, family]);
    const look = (of: Scope) => {
        scope.value = of;
        const window = pinned(range, serverNow()) as Extract<Range, { kind: "fixed" }>;
        asked.value = window;
        const metric = of === "family" && family ? `${groupOf(family)}*` : "*";
        void explorer.changes.load({ ...window, metric });
    };
    const { value, error, loading } = explorer.changes.state.value;
    const at = asked.value;
    return (
        <section class="group changes" aria-labelledby="changes-title">
            <h2 id="changes-title">What changed here?</h2>
            <p class="method">
                {range.kind === "fixed" ? "In the marked stretch" : "In this window"}, against the{" "}
                {durationText(range.kind === "last" ? range.spanMs : range.toMs - range.fromMs)} before. Mark a
                stretch in a chart by dragging over it to ask about that one.
            </p>
            <div class="table-tools">
                <button type="button" class="button button-primary" onClick={() => look(scope.value)}>
                    {at ? "Look again" : "Look"}
                </button>
                {family && (
                    <Segmented
                        label="Among which series"
                        choices={[
                            { value: "family" as const, short: `${groupOf(family)}…`, name: "of this family" },
                            { value: "all" as const, short: "everything", name: "all series" },
                        ]}
                        value={scope.value}
                        onChoose={(of) => (at ? look(of) : (scope.value = of))}
                    />
                )}
            </div>
            {error && <p class="table-empty">It could not be read: {plain(error)}.</p>}
            {loading && <Skeleton rows={4} what="what changed" />}
            {at && value && !loading && (
                <>
                    {value.list.length === 0 && (
                        <p class="table-empty">
                            Nothing of the {value.looked.toLocaleString("en")} series changed by more than it usually
                            moves.
                        </p>
                    )}
                    <ol class="change-list">
                        {value.list.map((c) => (
                            <li key={c.name + JSON.stringify(c.labels)}>
                                <button
                                    type="button"
                                    class="change"
                                    disabled={full}
                                    title={full ? "Six questions are the most" : "Add it as a question"}
                                    onClick={() => onAdd(questionOf(c))}
                                >
                                    <bdi class="change-name">
                                        {c.name}
                                        <span class="quiet"> {labelsText(c)}</span>
                                    </bdi>
                                    <span class="change-values">{changeText(c, bytesAs.value)}</span>
                                    <span class="change-effect">
                                        {c.effect > 0 ? "+" : "−"}
                                        {digits(Math.abs(c.effect))} σ
                                    </span>
                                </button>
                            </li>
                        ))}
                    </ol>
                    <p class="method">
                        {value.looked.toLocaleString("en")} series looked at
                        {value.cut ? ", there were more" : ""} · {fromToText(at.fromMs, at.toMs, serverNow())} · σ is
                        how much a series moves by itself
                    </p>
                </>
            )}
        </section>
    );
}

function labelsText({ labels }: Change): string {
    return cut(
        Object.entries(labels)
            .map(([label, value]) => `${label}=${value}`)
            .join(" "),
        60,
    );
}

function questionOf(c: Change): Query {
    return queryOf(exactGlob(c.name), {
        match: Object.entries(c.labels).map(([label, value]) => `${label}=${exactGlob(value)}`),
    });
}

function changeText(c: Change, bytesAs: "bits" | "bytes"): string {
    const { measure, what } = measured(c.kind, c.unit, "avg");
    const said = (v: number) => text(quantity(v, measure, bytesAs));
    return `${said(c.before)} → ${said(c.after)}${what ? ` ${what}` : ""}`;
}
