/* What a drawn chart can be saved as: pictures from what draws it, numbers from its table. */
import { useSignal } from "@preact/signals";
import type { MutableRef } from "preact/hooks";
import type { DataSpec } from "../domain/data-spec";
import type { Drawing } from "./drawn/drawing";
import { tableOf } from "./data-words";
import { useEnvironment } from "./environment";
import { SaveButton, SaveGroup, SaveMenu } from "./save-menu";

interface SaveDataProps {
    spec: DataSpec;
    drawing: MutableRef<Drawing | undefined>;
}

export function SaveData({ spec }: SaveDataProps) {
    const env = useEnvironment();
    const trouble = useSignal("");
    const save = async (as: "csv" | "json", close: () => void) => {
        try {
            const { saveTable } = await import("./table-files");
            const { columns, rows } = tableOf(spec, env.bytesAs.peek());
            saveTable({ key: spec.key, columns, rows: () => [...rows] }, env, as);
            close();
        } catch {
            trouble.value =
                "It could not be made: the server is gone or was replaced. Reload the page.";
        }
    };
    return (
        <SaveMenu what={spec.title}>
            {(close) => (
                <>
                    <SaveGroup title="Values as drawn">
                        <SaveButton name="CSV" title="CSV, the values as drawn" run={() => save("csv", close)} />
                        <SaveButton name="JSON" title="JSON, the values as drawn" run={() => save("json", close)} />
                    </SaveGroup>
                    <p class="line-trouble" role="status">
                        {trouble.value}
                    </p>
                </>
            )}
        </SaveMenu>
    );
}
