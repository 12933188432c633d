/* Who may ask: tokens without their secrets, and the commands that make and take away. */
import { serverNow } from "../domain/time";
import type { Loaded } from "../store/remote";
import type { Config } from "../store/settings";
import { CopyCommand } from "../widgets/copy";
import { PlainTable } from "../widgets/plain-table";
import { Moment } from "./moment";

export function Tokens({ loaded, allowed }: { loaded: Loaded<Config>; allowed: boolean }) {
    const { value } = loaded;
    const now = serverNow();
    return (
        <section class="group" aria-labelledby="access">
            <h2 id="access">Access</h2>
            <p class="quiet">Tokens are made and taken away on the host; only their digests are kept.</p>
            <ul class="commands">
                <li>
                    A token for a program: <CopyCommand text="netsonde token new --role viewer" />
                </li>
                <li>
                    A login for a browser:{" "}
                    <CopyCommand text="netsonde token new --role admin --login" />
                </li>
                <li>
                    Take one away: <CopyCommand text="netsonde token revoke ID" />
                </li>
            </ul>
            {allowed && value && value.tokens.length === 0 && (
                <p class="quiet">There is no token: only this host itself is let in.</p>
            )}
            {allowed && value && value.tokens.length > 0 && (
                <PlainTable
                    label="Tokens"
                    heads={["ID", "Kind", "Role", "Note", "Made", "Expires"]}
                    rows={value.tokens.map((t) => ({
                        key: t.id,
                        cells: [
                            <code>{t.id}</code>,
                            t.kind === "login" ? "one login" : "token",
                            t.role,
                            t.note && <bdi>{t.note}</bdi>,
                            t.createdMs !== undefined && <Moment ms={t.createdMs} now={now} />,
                            <>
                                {t.expired ? "expired " : ""}
                                {t.expiresMs === undefined ? "never" : <Moment ms={t.expiresMs} now={now} />}
                            </>,
                        ],
                    }))}
                />
            )}
            {allowed && value && (
                <p class="quiet">
                    {value.sessions === 1 ? "1 browser is" : `${value.sessions} browsers are`} logged in.
                </p>
            )}
        </section>
    );
}
