/* What can fail because of the world returns a Result; exceptions are for bugs. */
export type Result<T> = { ok: true; value: T } | { ok: false; error: string };

export function ok<T>(value: T): Result<T> {
    return { ok: true, value };
}

export function fail<T = never>(error: string): Result<T> {
    return { ok: false, error };
}
