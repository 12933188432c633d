/*
 * Where the dashboard lives. The script's own address is BASE/assets/app-HASH.js whatever page was
 * opened, so the base path needs no word from the server. Always ends with a slash.
 */
export function basePathOf(scriptAddress: string): string {
    return new URL("..", scriptAddress).pathname;
}

export function streamAddress(page: { protocol: string; host: string }, base: string): string {
    const scheme = page.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${page.host}${base}api/v1/stream`;
}
