/* A moment: the time of day, with the day where that is not today's; exactly for whoever asks. */
import { momentText } from "../domain/alerts";
import { exactText, zoneText } from "../domain/time";

export function Moment({ ms, now }: { ms: number; now: number }) {
    return (
        <time dateTime={new Date(ms).toISOString()} title={`${exactText(ms)} ${zoneText(ms)}`}>
            {momentText(ms, now)}
        </time>
    );
}
