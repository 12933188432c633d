/* Hands a file to the reader. */
export function saveFile(name: string, content: Blob | string, type = "text/plain"): void {
    const blob = typeof content === "string" ? new Blob([content], { type }) : content;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    // The browser has taken it by then; at once would be too soon for some.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
