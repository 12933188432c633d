/* What the daemon runs with: every key, its value, its default, where it came from. */
import { useSignal } from "@preact/signals";
import { NEEDS_ADMIN } from "../widgets/action";
import { CopyCommand } from "../widgets/copy";
import { PlainTable } from "../widgets/plain-table";
import { Skeleton } from "../widgets/skeleton";
import type { Loaded } from "../store/remote";
import type { Config, ConfigItem } from "../store/settings";
import { usePage } from "./context";

interface SectionProps {
    loaded: Loaded<Config>;
    allowed: boolean;
}

export function Configuration({ loaded, allowed }: SectionProps) {
    const { location } = usePage();
    const changedOnly = useSignal(false);
    const words = location.place.value.query.get("filter") ?? "";
    const { value, error } = loaded;
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = (value?.keys ?? []).filter(
        (k) =>
            (!changedOnly.value || k.from !== "default") &&
            wanted.every((w) => `${k.key} ${k.value} ${k.from} ${k.doc}`.toLowerCase().includes(w)),
    );
    return (
        <section class="group" aria-labelledby="configuration">
            <h2 id="configuration">Configuration in force</h2>
            {!allowed && <p class="line-note">{NEEDS_ADMIN}</p>}
            {error && <p class="line-trouble">It could not be read: {error}.</p>}
            {allowed && !value && !error && <Skeleton rows={10} what="the configuration" />}
            {value && (
                <>
                    <p class="quiet">
                        As it was read at the start. The same on the host, with comments:{" "}
                        <CopyCommand text="netsonde dump-config" />
                    </p>
                    <div class="settings-tools">
                        <input
                            id="filter"
                            type="search"
                            aria-label="Filter keys"
                            placeholder="Filter: key, value, origin  ( / )"
                            value={words}
                            onInput={(e) => location.setQuery("filter", e.currentTarget.value)}
                        />
                        <label>
                            <input
                                type="checkbox"
                                checked={changedOnly.value}
                                onChange={(e) => (changedOnly.value = e.currentTarget.checked)}
                            />{" "}
                            only what differs
                        </label>
                        <span class="quiet" role="status">
                            {rows.length} of {value.keys.length}
                        </span>
                    </div>
                    <PlainTable
                        label="Keys"
                        kind="config-table"
                        heads={["Key", "Value", "Default", "From"]}
                        rows={rows.map((k) => ({
                            key: k.key,
                            kind: k.from === "default" ? "" : "differs",
                            cells: [
                                <>
                                    <code>{k.key}</code>
                                    <span class="config-doc">{k.doc}</span>
                                </>,
                                <code>{k.value || "–"}</code>,
                                <span class="quiet">{k.standard || "–"}</span>,
                                <span class="quiet">{k.from}</span>,
                            ],
                        }))}
                    />
                    {rows.length === 0 && <p class="quiet">No key has these words.</p>}
                    <Items name="Channels of the file" items={value.channels} />
                    <Items name="Rules of the file" items={value.alerts} />
                </>
            )}
        </section>
    );
}

function Items({ name, items }: { name: string; items: readonly ConfigItem[] }) {
    if (items.length === 0) return null;
    return (
        <>
            <h3 class="settings-head">{name}</h3>
            <PlainTable
                label={name}
                heads={["Name", "Keys", "From"]}
                rows={items.map((i) => ({
                    key: i.name,
                    cells: [i.name, <code>{i.keys}</code>, <span class="quiet">{i.from}</span>],
                }))}
            />
        </>
    );
}
