/* Every interface in one row; `?device=` opens the charts of one. */
import type { Selection } from "../store/selection";
import { usePage } from "./context";
import { DevicePage, deviceSelection } from "./device";
import { InterfaceTable } from "./interface-table";
import { TRAFFIC_METRICS } from "./network-charts";

export function interfacesSelection(query: URLSearchParams): Selection {
    const device = query.get("device");
    return device
        ? deviceSelection(device)
        : { key: "interfaces", groups: [TRAFFIC_METRICS], match: [] };
}

export function Interfaces() {
    const { location } = usePage();
    const device = location.place.value.query.get("device");
    return device ? <DevicePage key={device} device={device} /> : <AllInterfaces />;
}

function AllInterfaces() {
    const { session } = usePage();
    const all = session.interfaces.value;
    const up = all.filter((i) => i.state === "up").length;
    return (
        <>
            <h1 class="sentence">
                {all.length === 0 ? (
                    <strong>Interfaces</strong>
                ) : (
                    <>
                        <strong>
                            {all.length} {all.length === 1 ? "interface" : "interfaces"},
                        </strong>{" "}
                        {up} of them up.
                    </>
                )}
            </h1>
            <InterfaceTable />
        </>
    );
}
