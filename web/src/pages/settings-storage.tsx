/* What history takes on disk, and how far back each of its tiers reaches. */
import { serverNow } from "../domain/time";
import { durationText } from "../domain/units";
import type { Loaded } from "../store/remote";
import type { Storage as StorageFacts } from "../store/settings";
import { WarningMark } from "../widgets/marks";
import { PlainTable } from "../widgets/plain-table";
import { Skeleton } from "../widgets/skeleton";
import { Value } from "../widgets/value";
import { usePage } from "./context";
import { Moment } from "./moment";

export function Storage({ loaded }: { loaded: Loaded<StorageFacts> }) {
    const { preferences } = usePage();
    const { value, error } = loaded;
    const now = serverNow();
    return (
        <section class="group" aria-labelledby="storage">
            <h2 id="storage">History</h2>
            {error && <p class="line-trouble">History could not be asked: {error}.</p>}
            {!value && !error && <Skeleton rows={4} what="the history's size" />}
            {value && (
                <>
                    {value.lost > 0 && (
                        <p class="line-trouble">
                            <WarningMark /> {Math.round(value.lost).toLocaleString("en")} ticks were not
                            written in the last 24 hours: the disk refused them or was too slow.
                        </p>
                    )}
                    <dl class="settings-facts">
                        <div>
                            <dt>On disk</dt>
                            <dd>
                                <Value
                                    value={value.bytes}
                                    measure="bytes"
                                    bytesAs={preferences.bytesAs.value}
                                />
                            </dd>
                        </div>
                    </dl>
                    <PlainTable
                        label="Tiers of history"
                        heads={["Tier", "Kept for", "Key", "Reaches back to"]}
                        rows={value.tiers.map((t) => ({
                            key: t.key,
                            cells: [
                                t.name,
                                t.kept,
                                <code>{t.key}</code>,
                                t.firstMs === undefined ? (
                                    "nothing yet"
                                ) : (
                                    <>
                                        <Moment ms={t.firstMs} now={now} />
                                        <span class="quiet">, {durationText(now - t.firstMs)}</span>
                                    </>
                                ),
                            ],
                        }))}
                    />
                </>
            )}
        </section>
    );
}
