/*
 * Painting happens once per animation frame, however many messages came in between. A hidden tab
 * gets no frames from the browser, so it paints nothing.
 */
export class FrameQueue {
    #asked = false;
    readonly #request: (run: () => void) => void;
    readonly #paint: () => void;

    constructor(paint: () => void, request: (run: () => void) => void = requestAnimationFrame) {
        this.#paint = paint;
        this.#request = (run) => request(run);
    }

    /* Asks for a paint in the next frame; any number of calls make one. */
    request(): void {
        if (this.#asked) return;
        this.#asked = true;
        this.#request(() => {
            this.#asked = false;
            this.#paint();
        });
    }
}
