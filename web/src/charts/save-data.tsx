/* What a drawn chart can be saved as: pictures from what draws it, numbers from its table. */
import { useSignal } from "@preact/signals";
import type { DataSpec } from "../domain/data-spec";
import { tableOf } from "./data-words";
import { useEnvironment } from "./environment";
import { SaveButton, SaveGroup, SaveMenu } from "./save-menu";

const FORMATS = [
    { as: "png", name: "PNG", title: "PNG, the picture in this theme" },
    { as: "svg", name: "SVG", title: "SVG, the picture as vectors" },
    { as: "csv", name: "CSV", title: "CSV, the values as drawn" },
    { as: "json", name: "JSON", title: "JSON, the values as drawn" },
] as const;

type DataFile = (typeof FORMATS)[number]["as"];

export function SaveData({ spec }: { spec: DataSpec }) {
    const env = useEnvironment();
    const trouble = useSignal("");
    const save = async (as: DataFile, close: () => void) => {
        trouble.value = "";
        try {
            if (as === "png" || as === "svg") {
                const { saveDrawn } = await import("./drawn/files");
                await saveDrawn(spec, env, as);
            } else {
                const { saveTable } = await import("./table-files");
                const { columns, rows } = tableOf(spec, env.bytesAs.peek());
                saveTable({ key: spec.key, columns, rows: () => [...rows] }, env, as);
            }
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
                    <SaveGroup title="As drawn">
                        {FORMATS.map((f) => (
                            <SaveButton
                                key={f.as}
                                name={f.name}
                                title={f.title}
                                run={() => save(f.as, close)}
                            />
                        ))}
                    </SaveGroup>
                    <p class="line-trouble" role="status">
                        {trouble.value}
                    </p>
                </>
            )}
        </SaveMenu>
    );
}
