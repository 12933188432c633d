/* Dashboards that are saved on the server, and the one that is open. */
import type { Result } from "../base/result";
import { fail, ok } from "../base/result";
import {
    documentOf,
    fromDocument,
    type DashboardDocument,
    type Exploration,
} from "../domain/exploration";
import type { Sent } from "../link/http";
import { dashboardAddress, parseDashboards, type DashboardEntry } from "../proto/dashboards";
import { Remote } from "./remote";
import type { Session } from "./session";

export type { DashboardEntry };

export interface OpenDashboard {
    name: string;
    document: DashboardDocument; // with what a later version has put there
    exploration: Exploration;
}

export class Dashboards {
    readonly #session: Session;
    readonly list: Remote<DashboardEntry[]>;
    readonly open: Remote<OpenDashboard, string>;

    constructor(session: Session) {
        this.#session = session;
        this.list = new Remote(async (_: void, stop) => {
            const answer = await session.getJson("api/v1/dashboards", stop);
            return answer.ok ? parseDashboards(answer.value) : answer;
        });
        this.open = new Remote((name, stop) => this.#read(name, stop));
    }

    async #read(name: string, stop?: AbortSignal): Promise<Result<OpenDashboard>> {
        const answer = await this.#session.getJson(dashboardAddress(name), stop);
        if (!answer.ok) return answer;
        const exploration = fromDocument(answer.value);
        if (!exploration) return fail("it is of another version of netsonde");
        return ok({ name, document: answer.value as DashboardDocument, exploration });
    }

    /* Under this name; what is there already of a later version stays. */
    async save(name: string, exploration: Exploration): Promise<Sent> {
        const open = this.open.state.peek().value;
        const before = open?.name === name ? open.document : {};
        const document = documentOf(exploration, before);
        const sent = await this.#session.send("PUT", dashboardAddress(name), document);
        if (sent.ok) await Promise.all([this.open.load(name), this.list.load()]);
        return sent;
    }

    /* The new one is there before the old one goes. */
    async rename(from: string, to: string): Promise<Sent> {
        const names = this.list.state.peek().value?.map((d) => d.name) ?? [];
        if (names.includes(to))
            return { ok: false, error: `There is “${to}” already`, field: "name", status: 409 };
        const read = await this.#read(from);
        if (!read.ok) return { ok: false, error: read.error, field: "", status: 0 };
        const sent = await this.#session.send("PUT", dashboardAddress(to), read.value.document);
        if (!sent.ok) return sent;
        return this.remove(from);
    }

    async remove(name: string): Promise<Sent> {
        const sent = await this.#session.send("DELETE", dashboardAddress(name));
        void this.list.load();
        return sent;
    }
}
