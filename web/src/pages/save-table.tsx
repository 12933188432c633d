/*
 * The menu that saves a table: what the server knows is asked of the server, with the order and the
 * filter that are on; the rest is written here, the rows as they stand.
 */
import { useSignal } from "@preact/signals";
import { useEnvironment } from "../charts/environment";
import { SaveButton, SaveGroup, SaveLink, SaveMenu } from "../charts/save-menu";
import type { Cell } from "../domain/csv";
import { tableQuery, type ServerTable } from "../domain/saving";

export interface MadeTable {
    what: string; // "Resolved alerts"
    key: string; // in the file's name
    columns: readonly string[];
    rows(): (readonly Cell[])[]; // as filtered and sorted
}

export interface AskedTable {
    what: string;
    server(): ServerTable;
}

const ROW_FORMATS = [
    { format: "csv", name: "CSV" },
    { format: "json", name: "JSON" },
    { format: "ndjson", name: "NDJSON" },
] as const;

export function SaveTable({ table }: { table: MadeTable | AskedTable }) {
    return (
        <SaveMenu what={`table ${table.what}`}>
            {(close) =>
                "server" in table ? (
                    <Asked table={table} />
                ) : (
                    <Made table={table} close={close} />
                )
            }
        </SaveMenu>
    );
}

function Asked({ table }: { table: AskedTable }) {
    const { base } = useEnvironment();
    const server = table.server();
    return (
        <SaveGroup title="Rows as filtered and sorted">
            {ROW_FORMATS.map(({ format, name }) => (
                <SaveLink
                    key={format}
                    href={base + tableQuery(server, format)}
                    name={name}
                    title={`${name}, rows of ${table.what}`}
                />
            ))}
        </SaveGroup>
    );
}

function Made({ table, close }: { table: MadeTable; close(): void }) {
    const env = useEnvironment();
    const trouble = useSignal("");
    const save = async (as: "csv" | "json") => {
        try {
            const { saveTable } = await import("../charts/table-files");
            saveTable(table, env, as);
            close();
        } catch {
            trouble.value =
                "It could not be made: the server is gone or was replaced. Reload the page.";
        }
    };
    return (
        <>
            <SaveGroup title="Rows as they stand here">
                <SaveButton
                    name="CSV"
                    title={`CSV, rows of ${table.what}`}
                    run={() => save("csv")}
                />
                <SaveButton
                    name="JSON"
                    title={`JSON, rows of ${table.what}`}
                    run={() => save("json")}
                />
            </SaveGroup>
            <p class="line-trouble" role="status">
                {trouble.value}
            </p>
        </>
    );
}
