/* Who may ask: tokens without their secrets, and the commands that make and take away. */
import { serverNow } from "../domain/time";
import type { Loaded } from "../store/remote";
import type { Config } from "../store/settings";
import { CopyCommand } from "../widgets/copy";
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
                <div class="table-box" tabIndex={0} role="region" aria-label="Tokens">
                    <table class="plain-table">
                        <thead>
                            <tr>
                                <th scope="col">ID</th>
                                <th scope="col">Kind</th>
                                <th scope="col">Role</th>
                                <th scope="col">Note</th>
                                <th scope="col">Made</th>
                                <th scope="col">Expires</th>
                            </tr>
                        </thead>
                        <tbody>
                            {value.tokens.map((t) => (
                                <tr key={t.id}>
                                    <th scope="row">
                                        <code>{t.id}</code>
                                    </th>
                                    <td>{t.kind === "login" ? "one login" : "token"}</td>
                                    <td>{t.role}</td>
                                    <td>
                                        <bdi>{t.note}</bdi>
                                    </td>
                                    <td>
                                        {t.createdMs !== undefined && (
                                            <Moment ms={t.createdMs} now={now} />
                                        )}
                                    </td>
                                    <td>
                                        {t.expired ? "expired " : ""}
                                        {t.expiresMs === undefined ? (
                                            "never"
                                        ) : (
                                            <Moment ms={t.expiresMs} now={now} />
                                        )}
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            {allowed && value && (
                <p class="quiet">
                    {value.sessions === 1 ? "1 browser is" : `${value.sessions} browsers are`} logged in.
                </p>
            )}
        </section>
    );
}
