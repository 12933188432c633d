/* What every page is given. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Location } from "../store/location";
import type { Preferences } from "../store/preferences";
import type { Session } from "../store/session";

export interface PageContext {
    session: Session;
    location: Location;
    preferences: Preferences;
}

export const Context = createContext<PageContext | undefined>(undefined);

export function usePage(): PageContext {
    const context = useContext(Context);
    if (!context) throw new Error("a page stands outside its context");
    return context;
}
