/* Every interface in one row; `?device=` opens the charts of one. */
import { useEffect } from "preact/hooks";
import type { Selection } from "../store/selection";
import { usePage } from "./context";
import { DevicePage } from "./device";
import { InterfaceTable } from "./interface-table";
import { TRAFFIC_METRICS } from "./network-charts";

const SELECTION: Selection = { key: "interfaces", groups: [TRAFFIC_METRICS], match: [] };

export function Interfaces() {
    const { location } = usePage();
    const device = location.place.value.query.get("device");
    return device ? <DevicePage key={device} device={device} /> : <AllInterfaces />;
}

function AllInterfaces() {
    const { session } = usePage();
    useEffect(() => session.show(SELECTION), [session]);
    const all = session.interfaces.value;
    const up = all.filter((i) => i.state === "up").length;
    return (
        <>
            <h1 class="sentence">
                <strong>{all.length} interfaces,</strong> {up} of them up.
            </h1>
            <InterfaceTable />
        </>
    );
}
