/* Below the alerts: silences, the channels that tell of them, the rules that make them. */
import { useSignal } from "@preact/signals";
import { inOrder } from "../domain/alerts";
import { ruleWords, formOf } from "../domain/rule";
import { durationText } from "../domain/units";
import type { Channel, Rule, Silence } from "../store/alerts";
import { Action } from "../widgets/action";
import { SeverityMark, WarningMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { useAdmin } from "./admin";
import { channelsFile, rulesFile, silencesFile } from "./alert-files";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable } from "./save-table";

export function Silences() {
    const { session } = usePage();
    const { value, error } = session.alerts.silences.state.value;
    const now = useNow();
    const trouble = useSignal<string | undefined>(undefined);
    const lasting = (value ?? []).filter((s) => s.toMs > now);
    return (
        <section class="group" aria-labelledby="silences-title">
            <div class="table-head">
                <h2 id="silences-title">
                    Silences <span class="count">{value ? lasting.length : ""}</span>
                </h2>
                <SaveTable table={silencesFile(lasting)} />
            </div>
            {error && <p class="table-empty">Silences could not be read: {error}.</p>}
            {lasting.length > 0 && (
                <ul class="lines">
                    {lasting.map((s) => (
                        <SilenceRow
                            key={s.id}
                            silence={s}
                            now={now}
                            tell={(e) => (trouble.value = e)}
                        />
                    ))}
                </ul>
            )}
            {value && lasting.length === 0 && (
                <p class="table-empty" data-empty="silences">
                    Nothing is silenced. “Silence…” beside an alert keeps it quiet until a time you
                    choose; it stays listed meanwhile.
                </p>
            )}
            <p role="alert" class="alert-trouble">
                {trouble.value}
            </p>
        </section>
    );
}

interface SilenceRowProps {
    silence: Silence;
    now: number;
    tell(error: string | undefined): void;
}

function SilenceRow({ silence: s, now, tell }: SilenceRowProps) {
    const { session } = usePage();
    const admin = useAdmin();
    return (
        <li data-silence={s.id}>
            <div class="line-what">
                <p>
                    <strong>{s.rule}</strong>{" "}
                    {s.series === "*" ? "every series" : <code>{s.series}</code>}
                </p>
                <p class="line-note">
                    {s.comment} {s.by && `by ${s.by}`}
                </p>
            </div>
            <p class="line-state">
                {s.fromMs > now ? (
                    <>
                        from <Moment ms={s.fromMs} now={now} />
                    </>
                ) : (
                    `${durationText(s.toMs - now)} left`
                )}
                , until <Moment ms={s.toMs} now={now} />
            </p>
            <Action
                allowed={admin}
                run={() => session.alerts.endSilence(s.id)}
                tell={tell}
                label={`End the silence of ${s.rule} now`}
            >
                End now
            </Action>
        </li>
    );
}

export function Channels() {
    const { session } = usePage();
    const { value, error } = session.alerts.channels.state.value;
    const now = useNow(10_000);
    return (
        <section class="group" aria-labelledby="channels-title">
            <div class="table-head">
                <h2 id="channels-title">
                    Channels <span class="count">{value?.length ?? ""}</span>
                </h2>
                <SaveTable table={channelsFile(value ?? [])} />
            </div>
            {error && <p class="table-empty">Channels could not be read: {error}.</p>}
            <ul class="lines">
                {value?.map((c) => (
                    <ChannelRow key={c.name} channel={c} now={now} />
                ))}
            </ul>
            {value?.length === 0 && (
                <p class="table-empty">
                    No channel is set up, so alerts are seen on this page only. Channels (log,
                    syslog, webhook, alertmanager, email, exec) are named in the configuration file
                    under <code>channels:</code>.
                </p>
            )}
        </section>
    );
}

function ChannelRow({ channel: c, now }: { channel: Channel; now: number }) {
    const { session } = usePage();
    const admin = useAdmin();
    const said = useSignal<string | undefined>(undefined);
    const counts = [
        `${c.sent} sent`,
        c.queued && `${c.queued} waiting`,
        c.heldBack && `${c.heldBack} held back by the rate limit`,
        c.retried && `${c.retried} tried again`,
        c.fellBack && `${c.fellBack} left to ${c.fallback || "the fallback"}`,
        c.failed && `${c.failed} failed`,
        c.dropped && `${c.dropped} dropped`,
    ].filter(Boolean);
    const ill = c.lastError !== "";
    return (
        <li data-channel={c.name}>
            <div class="line-what">
                <p>
                    {ill && <WarningMark />} <strong>{c.name}</strong>{" "}
                    <span class="quiet">
                        {c.type !== c.name && c.type} {c.isDefault && "used by default"}
                    </span>
                </p>
                <p class="line-note">
                    {c.target} {c.fallback && `if it fails: ${c.fallback}`}
                </p>
                {ill && <p class="line-trouble">Last error: {c.lastError}</p>}
            </div>
            <p class="line-state">
                {counts.join(", ")}
                {c.lastMs !== undefined && (
                    <>
                        , last <Moment ms={c.lastMs} now={now} />
                    </>
                )}
            </p>
            <Action
                allowed={admin}
                run={() => session.alerts.testChannel(c.name)}
                tell={(e) => (said.value = e ?? "A test message is on its way.")}
                label={`Send a test message to ${c.name}`}
            >
                Test
            </Action>
            <p role="status" class="line-said">
                {said.value}
            </p>
        </li>
    );
}

const SOURCES = { default: "ships with netsonde", file: "configuration file", api: "made here" };

export function Rules() {
    const { session, location } = usePage();
    const { value, error } = session.alerts.rules.state.value;
    return (
        <section class="group" aria-labelledby="rules-title">
            <div class="table-head">
                <h2 id="rules-title">
                    Rules <span class="count">{value?.length ?? ""}</span>
                </h2>
                <SaveTable table={rulesFile(value ?? [])} />
            </div>
            {error && <p class="table-empty">Rules could not be read: {error}.</p>}
            <p>
                <a class="button" href={location.href("alerts", { new: "1" })}>
                    New rule
                </a>
            </p>
            <ul class="lines">
                {value?.map((r) => (
                    <RuleRow key={r.name} rule={r} />
                ))}
            </ul>
            {value?.length === 0 && (
                <p class="table-empty">Nothing is watched: there is no rule. Make one above.</p>
            )}
        </section>
    );
}

function RuleRow({ rule: r }: { rule: Rule }) {
    const { session, location } = usePage();
    const worst = inOrder(session.alerts.active.value.filter((a) => a.rule === r.name))[0];
    const state = !r.enabled
        ? "off"
        : r.matched === 1
          ? "watches 1 series"
          : `watches ${r.matched} series`;
    return (
        <li data-rule={r.name} class={r.enabled ? "" : "line-off"}>
            <div class="line-what">
                <p>
                    <a href={location.href("alerts", { rule: r.name })}>
                        <strong>{r.name}</strong>
                    </a>{" "}
                    <span class="quiet">{SOURCES[r.source]}</span>
                </p>
                <p class="line-note">{ruleWords(formOf(r))}</p>
                {r.note && (
                    <p class="line-trouble" data-note>
                        <WarningMark /> {r.note}
                    </p>
                )}
            </div>
            <p class="line-state">
                {r.active > 0 && (
                    <>
                        {worst && <SeverityMark severity={worst.severity} />} {r.active}{" "}
                        active,{" "}
                    </>
                )}
                {state}
            </p>
        </li>
    );
}
