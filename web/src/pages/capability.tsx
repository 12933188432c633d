/* Says where a page would show something that no engine gives here; nothing where one does. */
import { Missing } from "../widgets/missing";
import { usePage } from "./context";

export function MissingCapability({ name, what }: { name: string; what: string }) {
    const found = usePage().session.info.value?.capabilities.find((c) => c.name === name);
    if (!found || found.engine !== "") return null;
    return <Missing what={what} why={found.reason} command={found.remedy || undefined} />;
}
