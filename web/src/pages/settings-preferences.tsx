/* What the reader chooses: kept in this browser, in force at once. */
import type { Signal } from "@preact/signals";
import { zoneText, serverNow } from "../domain/time";
import { Segmented } from "../widgets/segmented";
import { usePage } from "./context";

interface RowProps<T extends string> {
    name: string;
    note: string;
    signal: Signal<T>;
    choices: readonly (readonly [T, string])[];
}

function Row<T extends string>({ name, note, signal, choices }: RowProps<T>) {
    return (
        <div class="preference">
            <span class="preference-name">{name}</span>
            <Segmented
                label={name}
                choices={choices.map(([value, word]) => ({
                    value,
                    short: word,
                    name: `${name}: ${word}`,
                }))}
                value={signal.value}
                onChoose={(value) => (signal.value = value)}
            />
            <span class="quiet">{note}</span>
        </div>
    );
}

export function Preferences() {
    const { preferences: p } = usePage();
    return (
        <section class="group" aria-labelledby="preferences">
            <h2 id="preferences">Preferences</h2>
            <p class="quiet">Of this browser. Everything follows at once: axes, tables, saved pictures.</p>
            <div class="preferences">
                <Row
                    name="Traffic"
                    note="Rates; amounts are always bytes."
                    signal={p.bytesAs}
                    choices={[
                        ["bits", "bits"],
                        ["bytes", "bytes"],
                    ]}
                />
                <Row
                    name="Prefixes"
                    note="Of bits and bytes; a link's speed is decimal, as on its box."
                    signal={p.prefixes}
                    choices={[
                        ["si", "k = 1000"],
                        ["iec", "Ki = 1024"],
                    ]}
                />
                <Row
                    name="Time"
                    note={`Shown now: ${zoneText(serverNow())}.`}
                    signal={p.zone}
                    choices={[
                        ["local", "local"],
                        ["utc", "UTC"],
                    ]}
                />
                <Row
                    name="Theme"
                    note=""
                    signal={p.theme}
                    choices={[
                        ["system", "as the system"],
                        ["dark", "dark"],
                        ["light", "light"],
                    ]}
                />
                <Row
                    name="Contrast"
                    note="High: text 7 : 1 and more, plain edges."
                    signal={p.contrast}
                    choices={[
                        ["system", "as the system"],
                        ["normal", "normal"],
                        ["high", "high"],
                    ]}
                />
                <Row
                    name="Colours"
                    note="Directions and categories; dash and shape tell them apart in any case."
                    signal={p.colours}
                    choices={[
                        ["own", "Netsonde"],
                        ["safe", "Okabe-Ito"],
                    ]}
                />
                <Row
                    name="Motion"
                    note=""
                    signal={p.motion}
                    choices={[
                        ["system", "as the system"],
                        ["reduced", "reduced"],
                    ]}
                />
                <Row
                    name="Density"
                    note=""
                    signal={p.density}
                    choices={[
                        ["normal", "normal"],
                        ["dense", "dense"],
                    ]}
                />
            </div>
        </section>
    );
}
