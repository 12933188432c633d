/* What is said when this machine's clock and the server's differ. */
import { durationText } from "./units";

const TOLD_MS = 30_000;

/* skewMs: by how much the server's is ahead; undefined: not worth a word. */
export function skewWords(skewMs: number): string | undefined {
    const size = Math.abs(skewMs);
    if (size < TOLD_MS) return undefined;
    return (
        `This machine's clock is ${durationText(size)} ${skewMs > 0 ? "behind" : "ahead of"} the ` +
        "server's. Times and ages on this page are the server's."
    );
}
