/* The live chart of one series that the rule would watch, with its limits as lines to be dragged. */
import { computed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { seriesText } from "../domain/alerts";
import { matchOf, thresholdText, type RuleForm } from "../domain/rule";
import { PULSE, type Selection } from "../store/selection";
import { usePage } from "./context";
import { limitsOf, ruleChart, shownUnit, type ChosenSeries } from "./rule-chart";
import type { Draft } from "./rule-fields";

const TYPING_MS = 300;
const LISTED_MOST = 200;

export function RulePreview({ draft, readOnly }: { draft: Draft; readOnly: boolean }) {
    const { session } = usePage();
    const { candidates, metrics } = session.alerts;
    const { form } = draft;
    const chosenId = useSignal(0);
    const { metric, per, anomaly } = form.value;
    const match = form.value.match
        .filter(([label]) => label.trim())
        .map(([label, glob]) => `${label.trim()}=${glob.trim() || "*"}`);
    const question = metric.trim() && [metric.trim(), ...match].join("\n");
    useEffect(() => {
        if (!question) {
            candidates.forget();
            return undefined;
        }
        const [name = "", ...globs] = question.split("\n");
        const timer = setTimeout(
            () => void candidates.load({ metric: name, match: globs }),
            TYPING_MS,
        );
        return () => clearTimeout(timer);
    }, [question, candidates]);
    const found = candidates.state.value;
    const list = found.value ?? [];
    const chosen = list.find((s) => s.id === chosenId.value) ?? list[0];
    const text = chosen && seriesText(chosen.name, chosen.labels);

    const selection = useMemo((): Selection => {
        if (!chosen || !text) return PULSE;
        const names = per ? [chosen.name, per] : [chosen.name];
        const divisors = (metrics.state.peek().value ?? []).filter((s) => s.name === per);
        const joined = divisors.every((s) =>
            Object.keys(chosen.labels).every((l) => l in s.labels),
        );
        const globs = joined ? matchOf(text) : [];
        return {
            key: `rule ${text} ${per} ${anomaly}`,
            groups: [names],
            match: globs,
            ...(anomaly && !per ? { bands: { metrics: [chosen.name], match: globs } } : {}),
        };
    }, [text, per, anomaly]);
    useEffect(() => session.show(selection), [session, selection]);

    const series: ChosenSeries | undefined = useMemo(
        () => (chosen && text ? { text, unit: per ? "ratio" : shownUnit(chosen) } : undefined),
        [text, per],
    );
    const spec = useMemo(() => series && ruleChart("rule", "Now", series, per), [series, per]);
    const limits = useMemo(() => computed(() => limitsOf(form.value)), [form]);
    const drag = (key: string, value: number) => {
        const unit = series?.unit ?? "";
        form.value = { ...form.peek(), [key as keyof RuleForm]: thresholdText(value, unit) };
    };
    return (
        <section aria-labelledby="preview-title">
            <h2 id="preview-title" class="editor-title">
                What it watches
            </h2>
            <p class="editor-series">
                {list.length > 1 && chosen && (
                    <label>
                        Series{" "}
                        <select
                            value={chosen.id}
                            onChange={(e) => (chosenId.value = Number(e.currentTarget.value))}
                        >
                            {list.slice(0, LISTED_MOST).map((s) => (
                                <option key={s.id} value={s.id}>
                                    {seriesText(s.name, s.labels)}
                                </option>
                            ))}
                        </select>{" "}
                    </label>
                )}
                <span class="line-note" role="status">
                    {foundWords(question, found.loading, found.error, list.length)}
                    {form.value.where &&
                        list.length > 0 &&
                        ` Watched where ${form.value.where} is not 0.`}
                </span>
            </p>
            {spec ? (
                <div class="charts">
                    <Chart
                        spec={spec}
                        size="large"
                        limits={limits}
                        device={chosen?.labels["device"]}
                        onDrag={readOnly ? undefined : drag}
                    />
                </div>
            ) : (
                <p class="table-empty">
                    {question
                        ? "Nothing here gives such a series now, so there is no chart. The rule can be saved; it says so in the list."
                        : "Choose a metric to see its values with the limits of the rule drawn over them."}
                </p>
            )}
        </section>
    );
}

function foundWords(question: string, loading: boolean, error: string | undefined, n: number) {
    if (!question) return "";
    if (error) return `The series could not be read: ${error}.`;
    if (n === 0) return loading ? "Looking for series…" : "No series matches.";
    return n === 1 ? "One series matches." : `${n} series match; the rule watches each by itself.`;
}
