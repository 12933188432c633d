/* A moment: the time of day, with the day where that is not today's; exactly for whoever asks. */
import { momentText } from "../domain/alerts";

export function Moment({ ms, now }: { ms: number; now: number }) {
    return (
        <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString("en")}>
            {momentText(ms, now)}
        </time>
    );
}
