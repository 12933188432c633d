/* The keys of a rule as a form. Each says what it means, and what the server said against it. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { nameFrom, type RuleForm } from "../domain/rule";
import { usePage } from "./context";

export interface Draft {
    form: Signal<RuleForm>;
    errors: Signal<Readonly<Record<string, string>>>;
}

/* The keys whose value is a text. */
type TextKey = {
    [K in keyof RuleForm]: RuleForm[K] extends string
        ? string extends RuleForm[K]
            ? K
            : never
        : never;
}[keyof RuleForm];

interface FieldsProps {
    draft: Draft;
    readOnly: boolean;
    named: boolean; // the name is given
}

export function RuleFields({ draft, readOnly, named }: FieldsProps) {
    const { form } = draft;
    const f = form.value;
    const set = (change: Partial<RuleForm>) => (form.value = { ...form.peek(), ...change });
    const text = (key: TextKey, label: string, hint: string, list?: string) => (
        <TextField draft={draft} name={key} label={label} hint={hint} list={list} />
    );
    return (
        <fieldset class="editor-fields" disabled={readOnly}>
            <legend class="visually-hidden">Keys of the rule</legend>
            <Part title="What">
                <TextField
                    draft={draft}
                    name="metric"
                    label="Metric"
                    hint="one name, or a pattern with *"
                    list="rule-metrics"
                    wide
                    onDone={() => {
                        const { name, metric } = form.peek();
                        if (!named && name === "" && metric) set({ name: nameFrom(metric) });
                    }}
                />
                <Match draft={draft} />
                <TextField
                    draft={draft}
                    name="where"
                    label="Where"
                    hint="only where this metric, of equal labels, is there and not 0"
                    list="rule-metrics"
                    wide
                />
                <TextField
                    draft={draft}
                    name="per"
                    label="Per"
                    hint="divided by this metric: a share"
                    list="rule-metrics"
                    double
                />
                {text("per_least", "Per at least", "else it says nothing")}
                <TextField
                    draft={draft}
                    name="name"
                    label="Name"
                    hint="letters, digits, . _ -"
                    wide
                    fixed={named}
                />
                <Check label="Switched on" value={f.enabled} set={(enabled) => set({ enabled })} />
            </Part>
            <Part title="When a value is too high or too low">
                <Choice
                    id="rule-when"
                    label="Direction"
                    value={f.when}
                    choices={[
                        ["above", "above a limit"],
                        ["below", "below a limit"],
                    ]}
                    set={(when) => set({ when })}
                />
                {text("warning", "Warning", "5, 2%, 10Mbit")}
                {text("critical", "Critical", "the worse limit")}
                {text("clear", "Clear", "over only beyond this")}
            </Part>
            <Part title="When it is unusual, or missing">
                <Check
                    label="Anomaly: a sustained change from what is usual"
                    value={f.anomaly}
                    set={(anomaly) => set({ anomaly })}
                />
                {text("sigma", "Sigma", "how far; empty: 2.5")}
                {text("window", "Window", "mean over, or of usual: 5m")}
                {text("absent", "Absent", "no sample for: 2m")}
                <Choice
                    id="rule-severity"
                    label="Severity of these"
                    value={f.severity}
                    choices={[
                        ["warning", "warning"],
                        ["critical", "critical"],
                    ]}
                    set={(severity) => set({ severity })}
                />
            </Part>
            <Part title="For how long">
                {text("for", "For", "holds before it fires: 30s")}
                {text("keep", "Keep", "is over before it resolves: 1m")}
                {text("repeat", "Repeat", "told again while nobody acknowledges: 4h")}
                <Check
                    label="Edge: only what was seen to begin"
                    value={f.edge}
                    set={(edge) => set({ edge })}
                />
            </Part>
            <Part title="Who is told what">
                <ChannelChoice draft={draft} />
                <TextField
                    draft={draft}
                    name="mutes"
                    label="Mutes"
                    hint="a label, such as device: alerts of other rules about the same one are not told meanwhile"
                    list="rule-labels"
                    wide
                />
                <TextField
                    draft={draft}
                    name="summary"
                    label="Summary"
                    hint="{series} {value} {threshold} {severity} and labels; empty: a sentence is made"
                    wide
                />
            </Part>
            <MetricNames />
        </fieldset>
    );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
    return (
        <fieldset class="editor-part">
            <legend>{title}</legend>
            {children}
        </fieldset>
    );
}

interface TextFieldProps {
    draft: Draft;
    name: TextKey;
    label: string;
    hint: string;
    list?: string | undefined;
    wide?: boolean;
    double?: boolean; // two of three columns
    fixed?: boolean;
    onDone?(): void;
}

function TextField(props: TextFieldProps) {
    const { draft, name, label, hint, list, wide, double, fixed, onDone } = props;
    const { form, errors } = draft;
    const error = errors.value[name];
    const id = `rule-${name}`;
    return (
        <div class={`field${wide ? " field-wide" : double ? " field-double" : ""}`}>
            <label for={id}>{label}</label>
            <input
                id={id}
                data-field={name}
                type="text"
                autocomplete="off"
                spellcheck={false}
                maxLength={1000}
                readOnly={fixed}
                list={list}
                value={form.value[name]}
                aria-invalid={error ? "true" : undefined}
                aria-describedby={error ? `${id}-error ${id}-hint` : `${id}-hint`}
                onInput={(e) => {
                    form.value = { ...form.peek(), [name]: e.currentTarget.value };
                    if (errors.peek()[name] !== undefined) errors.value = {};
                }}
                onChange={onDone}
            />
            {error && (
                <p id={`${id}-error`} class="field-error" role="alert">
                    {error}
                </p>
            )}
            <p id={`${id}-hint`} class="field-hint">
                {hint}
            </p>
        </div>
    );
}

function Check(props: { label: string; value: boolean; set(v: boolean): void }) {
    return (
        <label class="check field-wide">
            <input
                type="checkbox"
                checked={props.value}
                onChange={(e) => props.set(e.currentTarget.checked)}
            />
            {props.label}
        </label>
    );
}

interface ChoiceProps<T extends string> {
    id: string;
    label: string;
    value: T;
    choices: readonly (readonly [T, string])[];
    set(v: T): void;
}

function Choice<T extends string>({ id, label, value, choices, set }: ChoiceProps<T>) {
    return (
        <div class="field field-wide">
            <label for={id}>{label}</label>
            <select id={id} value={value} onChange={(e) => set(e.currentTarget.value as T)}>
                {choices.map(([v, name]) => (
                    <option key={v} value={v}>
                        {name}
                    </option>
                ))}
            </select>
        </div>
    );
}

/* Labels that series of this metric have, and their values. */
function useLabels(metric: string): Map<string, Set<string>> {
    const { session } = usePage();
    const labels = new Map<string, Set<string>>();
    for (const s of session.alerts.metrics.state.value.value ?? [])
        if (s.name === metric)
            for (const [label, value] of Object.entries(s.labels)) {
                let values = labels.get(label);
                if (!values) labels.set(label, (values = new Set()));
                if (values.size < 200) values.add(value);
            }
    return labels;
}

function Match({ draft }: { draft: Draft }) {
    const { form, errors } = draft;
    const { match, metric } = form.value;
    const labels = useLabels(metric);
    const change = (rows: RuleForm["match"]) => (form.value = { ...form.peek(), match: rows });
    const edit = (at: number, label: string, glob: string) =>
        change(match.map((row, i) => (i === at ? ([label, glob] as const) : row)));
    const unused = [...labels.keys()].find((l) => !match.some(([label]) => label === l)) ?? "";
    const error = errors.value["match"];
    return (
        <fieldset class="field-wide match">
            <legend>Only series whose labels match</legend>
            {match.map(([label, glob], i) => (
                <p key={i}>
                    <input
                        type="text"
                        aria-label={`Label ${i + 1}`}
                        placeholder="label"
                        list="rule-labels"
                        value={label}
                        onInput={(e) => edit(i, e.currentTarget.value, glob)}
                    />
                    <span aria-hidden="true">=</span>
                    <input
                        type="text"
                        aria-label={`Pattern ${i + 1}`}
                        placeholder="pattern, eth*"
                        list={`rule-values-${i}`}
                        value={glob}
                        onInput={(e) => edit(i, label, e.currentTarget.value)}
                    />
                    <datalist id={`rule-values-${i}`}>
                        {[...(labels.get(label) ?? [])].map((v) => (
                            <option key={v} value={v} />
                        ))}
                    </datalist>
                    <button
                        type="button"
                        class="button icon-button"
                        aria-label={`Remove ${label || "this label"}`}
                        onClick={() => change(match.filter((_, k) => k !== i))}
                    >
                        ×
                    </button>
                </p>
            ))}
            <datalist id="rule-labels">
                {[...labels.keys()].map((l) => (
                    <option key={l} value={l} />
                ))}
            </datalist>
            <button
                type="button"
                class="button"
                data-field="match"
                onClick={() => change([...match, [unused, ""]])}
            >
                Add a label
            </button>
            {error && (
                <p class="field-error" role="alert">
                    {error}
                </p>
            )}
        </fieldset>
    );
}

function ChannelChoice({ draft }: { draft: Draft }) {
    const { session } = usePage();
    const { form, errors } = draft;
    const chosen = form.value.channels;
    const known = session.alerts.channels.state.value.value ?? [];
    const names = [...new Set([...known.map((c) => c.name), ...chosen])];
    const standard = known.filter((c) => c.isDefault).map((c) => c.name);
    const error = errors.value["channels"];
    const toggle = (name: string, on: boolean) => {
        const channels = on ? [...chosen, name] : chosen.filter((c) => c !== name);
        form.value = { ...form.peek(), channels };
    };
    return (
        <fieldset class="field-wide channel-choice">
            <legend>
                Channels{" "}
                <span class="field-hint">
                    {chosen.length === 0 &&
                        `none chosen: ${standard.join(", ") || "the default ones"}`}
                </span>
            </legend>
            {names.map((name, i) => (
                <label key={name} class="check">
                    <input
                        type="checkbox"
                        data-field={i === 0 ? "channels" : undefined}
                        checked={chosen.includes(name)}
                        onChange={(e) => toggle(name, e.currentTarget.checked)}
                    />
                    {name}
                </label>
            ))}
            {error && (
                <p class="field-error" role="alert">
                    {error}
                </p>
            )}
        </fieldset>
    );
}

function MetricNames() {
    const { session } = usePage();
    const series = session.alerts.metrics.state.value.value ?? [];
    const names = [...new Set(series.map((s) => s.name))].sort();
    return (
        <datalist id="rule-metrics">
            {names.map((n) => (
                <option key={n} value={n} />
            ))}
        </datalist>
    );
}
