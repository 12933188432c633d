/* Tones as colours of the palette. Good is neutral. */
import type { DataTone } from "../../domain/data-spec";
import type { Palette } from "../palette";

export function colourOf(tone: DataTone, palette: Palette): string {
    switch (tone) {
        case "good":
            return palette["category-4"];
        case "warning":
            return palette.alarm;
        case "rest":
        case "unknown":
            return palette.quiet;
        default:
            return palette[tone];
    }
}
