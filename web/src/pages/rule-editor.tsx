/*
 * One rule: its keys on one side, what they mean for a real series on the other. Nothing is saved
 * before somebody says so; until then the chart and the back-test speak of what stands in the form.
 */
import { signal, useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { formOf, NEW_RULE, ruleBody, ruleWords, type RuleForm } from "../domain/rule";
import type { Rule } from "../store/alerts";
import { Action } from "../widgets/action";
import { WarningMark } from "../widgets/marks";
import { useAdmin } from "./admin";
import { usePage } from "./context";
import { BackTestView } from "./rule-backtest";
import { RuleFields, type Draft } from "./rule-fields";
import { RulePreview } from "./rule-preview";

/* name "": a new one. */
export function RuleEditor({ name }: { name: string }) {
    const { session, location } = usePage();
    const { rules, channels, metrics } = session.alerts;
    useEffect(() => {
        void rules.load();
        void channels.load();
        void metrics.load();
    }, [rules, channels, metrics]);
    const { value, error } = rules.state.value;
    const stored = value?.find((r) => r.name === name);
    const back = (
        <p class="back">
            <a href={location.href("alerts")}>All alerts and rules</a>
        </p>
    );
    if (name === "" || stored)
        return (
            <>
                {back}
                <Editor stored={stored} />
            </>
        );
    return (
        <>
            {back}
            <h1 class="sentence">
                <strong>{value ? `There is no rule ${name}.` : name}</strong>{" "}
                {error ? `The rules could not be read: ${error}.` : !value && "Reading the rules…"}
            </h1>
        </>
    );
}

function fromQuery(query: URLSearchParams): RuleForm {
    const match = query.getAll("match").map((m): [string, string] => {
        const at = m.indexOf("=");
        return at < 0 ? [m, "*"] : [m.slice(0, at), m.slice(at + 1)];
    });
    return { ...NEW_RULE, metric: query.get("metric") ?? "", match };
}

/* Other keys than the form's own mean the whole. */
type Errors = Readonly<Record<string, string>>;

function Editor({ stored }: { stored: Rule | undefined }) {
    const { session, location } = usePage();
    const admin = useAdmin();
    const draft = useMemo((): Draft => {
        const first = stored ? formOf(stored) : fromQuery(location.place.peek().query);
        return { form: signal(first), errors: signal<Errors>({}) };
    }, []);
    const { form, errors } = draft;
    const said = useSignal("");
    const sure = useSignal(false);
    const host = useRef<HTMLDivElement>(null);
    const readOnly = stored?.source === "file";
    const exists = stored !== undefined;

    const tell = (error: string, field: string) => {
        const known = field in NEW_RULE;
        errors.value = { [known ? field : ""]: error };
        said.value = "";
        if (known)
            requestAnimationFrame(() =>
                host.current?.querySelector<HTMLElement>(`[data-field="${field}"]`)?.focus(),
            );
    };
    const save = async () => {
        const body = ruleBody(form.value);
        const sent = await session.alerts.saveRule(body, exists);
        if (!sent.ok) {
            tell(sent.status === 403 ? "Only an admin may save rules" : sent.error, sent.field);
            return sent;
        }
        errors.value = {};
        said.value = "Saved.";
        if (!exists) location.go(location.href("alerts", { rule: String(body["name"]) }));
        return sent;
    };
    const remove = async () => {
        if (!sure.value) {
            sure.value = true;
            return { ok: true };
        }
        const sent = await session.alerts.deleteRule(stored!.name);
        if (sent.ok) location.go(location.href("alerts"));
        else tell(sent.error, sent.field);
        return sent;
    };
    const general = errors.value[""];
    return (
        <div class="editor" ref={host}>
            <Head stored={stored} form={form} />
            <form class="editor-form" aria-label="The rule" onSubmit={(e) => e.preventDefault()}>
                <RuleFields draft={draft} readOnly={readOnly} named={exists} />
                {general && (
                    <p role="alert" class="alert-trouble">
                        {general}
                    </p>
                )}
                {!readOnly && (
                    <div class="editor-actions">
                        <Action
                            primary
                            allowed={admin}
                            run={save}
                            tell={(e) => !admin && tell(e ?? "", "")}
                        >
                            {exists && stored.source === "default" ? "Save as my own" : "Save"}
                        </Action>
                        {stored?.source === "api" && (
                            <Action
                                allowed={admin}
                                run={remove}
                                tell={(e) => !admin && tell(e ?? "", "")}
                            >
                                {sure.value ? "Really delete it" : "Delete"}
                            </Action>
                        )}
                        <span role="status">{said.value}</span>
                    </div>
                )}
            </form>
            <div class="editor-view">
                <RulePreview draft={draft} readOnly={readOnly} />
                <BackTestView draft={draft} tell={tell} />
            </div>
        </div>
    );
}

const SOURCE_WORDS = {
    file: "This rule stands in the configuration file, so it is changed there and not here. Trying it out works all the same.",
    default:
        "This rule ships with netsonde. Saving puts a rule of your own in its place, under the same name; deleting that brings this one back.",
    api: "",
};

function Head({ stored, form }: { stored: Rule | undefined; form: Signal<RuleForm> }) {
    const words = ruleWords(form.value);
    return (
        <div class="editor-head">
            <h1 class="sentence">
                <strong>{stored?.name ?? "A new rule."}</strong>{" "}
                {words || "Choose a metric and what about it is worth a message."}
            </h1>
            {stored && SOURCE_WORDS[stored.source] && (
                <p class="line-note" data-source={stored.source}>
                    {SOURCE_WORDS[stored.source]}
                </p>
            )}
            {stored?.note && (
                <p class="line-trouble">
                    <WarningMark /> {stored.note}
                </p>
            )}
        </div>
    );
}
