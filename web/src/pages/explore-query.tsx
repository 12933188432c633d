/* One question: which metric, which of its series, how put together. */
import { useSignal } from "@preact/signals";
import {
    AGG_WORDS,
    aggFor,
    aggsOf,
    askedOf,
    type Asked,
    type Family,
} from "../domain/catalogue";
import { isMatch, letterOf, matchParts, TOP_MOST, type Query } from "../domain/exploration";
import { cut, plain } from "../domain/explore-words";
import { exactGlob } from "../domain/saving";
import { Segmented } from "../widgets/segmented";
import { MetricPicker } from "./metric-picker";

const TOPS = [3, 5, 7, 10, TOP_MOST];
const LABEL_CUT = 40;

interface QueryRowProps {
    query: Query;
    index: number;
    families: readonly Family[];
    error: string;
    onChange(query: Query): void;
    onRemove(): void;
}

export function QueryRow({ query, index, families, error, onChange, onRemove }: QueryRowProps) {
    const letter = letterOf(index);
    const asked = askedOf(families, query);
    const labels = [...asked.labels.keys()];
    const [first] = asked.families;
    const aggs = aggsOf(asked.kind);
    const choose = (metric: string[]) => {
        const next = askedOf(families, { ...query, metric });
        const has = (label: string) => next.labels.has(label);
        onChange({
            ...query,
            metric,
            match: query.match.filter((m) => has(matchParts(m).label)),
            by: has(query.by) ? query.by : "",
            agg: aggFor(next.kind, query.agg),
        });
    };
    const tops = TOPS.includes(query.top) ? TOPS : [...TOPS, query.top].sort((a, b) => a - b);
    return (
        <li class="query" data-query={letter}>
            <span class="query-letter" aria-hidden="true">
                {letter}
            </span>
            <MetricPicker
                id={`metric-${letter}`}
                label={`Metric of question ${letter}`}
                metric={query.metric}
                families={families}
                onChoose={choose}
            />
            <button
                type="button"
                class="button icon-button query-remove"
                aria-label={`Remove question ${letter}`}
                title="Remove this question"
                onClick={onRemove}
            >
                ×
            </button>
            <div class="query-how">
                <Segmented
                    label={`What of it, question ${letter}`}
                    choices={aggs.map((a) => ({
                        value: a,
                        short: AGG_WORDS[a],
                        name: `${AGG_WORDS[a]} of each step`,
                    }))}
                    value={aggFor(asked.kind, query.agg)}
                    onChoose={(agg) => onChange({ ...query, agg })}
                />
                {labels.length > 0 && (
                    <label class="query-split">
                        split by{" "}
                        <select
                            value={query.by}
                            aria-label={`Split question ${letter} by`}
                            onChange={(e) => onChange({ ...query, by: e.currentTarget.value })}
                        >
                            <option value="">nothing</option>
                            {labels.map((l) => (
                                <option key={l} value={l}>
                                    {l} ({asked.labels.get(l)!.length})
                                </option>
                            ))}
                        </select>
                    </label>
                )}
                {query.by !== "" && (
                    <label class="query-split">
                        largest{" "}
                        <select
                            value={String(query.top)}
                            aria-label={`How many of question ${letter}`}
                            onChange={(e) => onChange({ ...query, top: Number(e.currentTarget.value) })}
                        >
                            {tops.map((n) => (
                                <option key={n} value={String(n)}>
                                    {n}
                                </option>
                            ))}
                        </select>
                    </label>
                )}
                <Matchers query={query} letter={letter} asked={asked} onChange={onChange} />
            </div>
            {error ? (
                <p class="query-about line-trouble" role="status">
                    It could not be read: {plain(error)}.
                </p>
            ) : (
                <p class="query-about">
                    {asked.families.length > 1
                        ? `${asked.families.length} metrics are called so; each has traces of its own.`
                        : (first?.help ?? "No series of this name is live now; the history may have some.")}
                </p>
            )}
        </li>
    );
}

interface MatchersProps {
    query: Query;
    letter: string;
    asked: Asked;
    onChange(query: Query): void;
}

function Matchers({ query, letter, asked, onChange }: MatchersProps) {
    const labels = [...asked.labels.keys()];
    const label = useSignal("");
    const value = useSignal("");
    const open = useSignal(false);
    const chosen = labels.includes(label.value) ? label.value : (labels[0] ?? "");
    const add = () => {
        const known = asked.labels.get(chosen)?.includes(value.value);
        const match = `${chosen}=${known ? exactGlob(value.value) : value.value}`;
        if (!isMatch(match) || value.value === "") return;
        value.value = "";
        open.value = false;
        if (!query.match.includes(match)) onChange({ ...query, match: [...query.match, match] });
    };
    return (
        <>
            {query.match.map((m) => {
                const { label, glob } = matchParts(m);
                return (
                    <span key={m} class="matcher" title={m}>
                        <bdi>
                            {label} = {cut(glob, LABEL_CUT)}
                        </bdi>
                        <button
                            type="button"
                            aria-label={`Remove the condition ${cut(m, LABEL_CUT)} of question ${letter}`}
                            onClick={() =>
                                onChange({ ...query, match: query.match.filter((o) => o !== m) })
                            }
                        >
                            ×
                        </button>
                    </span>
                );
            })}
            {labels.length > 0 && !open.value && (
                <button
                    type="button"
                    class="button"
                    aria-label={`+ where: only some series of question ${letter}`}
                    onClick={() => (open.value = true)}
                >
                    + where
                </button>
            )}
            {labels.length > 0 && open.value && (
                <form
                    class="matcher-form"
                    aria-label={`A condition of question ${letter}`}
                    onSubmit={(e) => {
                        e.preventDefault();
                        add();
                    }}
                    onKeyDown={(e) => {
                        if (e.key !== "Escape") return;
                        e.stopPropagation();
                        open.value = false;
                    }}
                >
                    <select
                        aria-label="Label"
                        value={chosen}
                        onChange={(e) => (label.value = e.currentTarget.value)}
                    >
                        {labels.map((l) => (
                            <option key={l}>{l}</option>
                        ))}
                    </select>
                    <input
                        aria-label={`Value of ${chosen}, * stands for any text`}
                        list={`values-${letter}`}
                        placeholder="eth*"
                        maxLength={180}
                        autocomplete="off"
                        spellcheck={false}
                        autofocus
                        ref={(e) => {
                            if (e && document.activeElement?.tagName === "BODY") e.focus();
                        }}
                        value={value.value}
                        onInput={(e) => (value.value = e.currentTarget.value)}
                    />
                    <datalist id={`values-${letter}`}>
                        {(asked.labels.get(chosen) ?? []).slice(0, 200).map((v) => (
                            <option key={v} value={v} />
                        ))}
                    </datalist>
                    <button type="submit" class="button">
                        Add
                    </button>
                </form>
            )}
        </>
    );
}
