/* A row of a table of which there is nothing more than its cells: all of them, in words. */
import type { ComponentChildren } from "preact";
import { NO_VALUE } from "../domain/units";
import { Drawer, Fact } from "../widgets/drawer";
import { usePage } from "./context";
import { useOpenRow, type TableWork } from "./table-panel";

export interface RowReader {
    text(column: string): string;
    number(column: string): number;
}

interface RowDetailsProps {
    work: TableWork;
    title: string;
    gone: string;
    head(row: RowReader): ComponentChildren;
    facts: readonly { name: string; wide?: boolean; value(row: RowReader): ComponentChildren }[];
    children?: (row: RowReader) => ComponentChildren;
}

export function RowDetails({ work, title, gone, head, facts, children }: RowDetailsProps) {
    const { location } = usePage();
    const open = useOpenRow(work);
    if (!location.place.value.query.has("id")) return null;
    const row: RowReader | undefined = open && {
        text: (c) => open.table.text(open.table.column(c), open.slot),
        number: (c) => open.table.number(open.table.column(c), open.slot),
    };
    return (
        <Drawer title={title} label={title} onClose={() => location.setQuery("id", "")}>
            {!row ? (
                <p class="table-empty">{work.full.facts.value.loaded ? gone : "Reading the table."}</p>
            ) : (
                <>
                    <p class="drawer-line">{head(row)}</p>
                    <dl class="facts">
                        {facts.map((f) => (
                            <Fact key={f.name} name={f.name} wide={f.wide ?? false}>
                                {f.value(row) || NO_VALUE}
                            </Fact>
                        ))}
                    </dl>
                    {children?.(row)}
                </>
            )}
        </Drawer>
    );
}
