/* Twelve boxes of the same size on one screen. */
import { CHARTS } from "./data";

export function boxes(): HTMLElement[] {
    const grid = document.createElement("main");
    grid.className = "boxes";
    document.body.append(grid);
    return Array.from({ length: CHARTS }, () => {
        const box = document.createElement("div");
        box.className = "box";
        grid.append(box);
        return box;
    });
}
