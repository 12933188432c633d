/* Who may change things. Until the server has said so nobody is kept from trying. */
import { usePage } from "./context";

export function useAdmin(): boolean {
    return usePage().session.info.value?.admin ?? true;
}
