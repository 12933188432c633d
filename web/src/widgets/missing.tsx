/*
 * Where something would have been that this host does not give: what it is, why it is not there, and
 * the command that brings it, if there is one.
 */
import { CopyCommand } from "./copy";

interface MissingProps {
    what: string; // "Lookups of names"
    why: string; // in the server's words
    command?: string | undefined;
}

export function Missing({ what, why, command }: MissingProps) {
    return (
        <div class="missing" role="note">
            <p>
                <strong>{what}</strong> {why ? `${why.replace(/\.?$/, ".")}` : "Nobody provides it here."}
            </p>
            {command && <CopyCommand text={command} />}
        </div>
    );
}
