"""Saved dashboards of the real daemon: who may change them, and that they outlive it."""
import json
import os
import stat

from rig import Daemon, Directory, equal, new_token, run

PATH = "/api/v1/dashboards"
ONE = f"{PATH}/uplink"
DOCUMENT = {"version": 1, "exploration": "a.metric=node_network_up", "later": [1.5, "\u00e4"]}


def put(d, body, **headers):
    return d.status(ONE, method="PUT", body=json.dumps(body).encode(),
                    headers={"Content-Type": "application/json", **headers})


def test_roles():
    """A viewer may look; saving and deleting take an admin; nobody does nothing."""
    with Directory() as data:
        viewer = {"Authorization": f"Bearer {new_token(data)[1]}"}
        admin = {"Authorization": f"Bearer {new_token(data, '--role', 'admin')[1]}"}
        with Daemon(data, interval="1s", environment={"NETSONDE_AUTH_MODE": "token"}) as d:
            for headers, expected in (({}, 401), (viewer, 403), (admin, 201), (admin, 200)):
                equal(put(d, DOCUMENT, **headers), expected, "save")
            for headers, expected in (({}, 401), (viewer, 200), (admin, 200)):
                for path in (PATH, ONE):
                    equal(d.status(path, headers=headers), expected, path)
            for headers, expected in (({}, 401), (viewer, 403), (admin, 204), (admin, 404)):
                equal(d.status(ONE, method="DELETE", headers=headers), expected, "delete")


def test_restart():
    """What was saved is there after a restart, as it was, in a file of the daemon's own."""
    with Directory() as data:
        with Daemon(data, interval="1s") as d:
            equal(put(d, DOCUMENT), 201, "save")
        path = os.path.join(data, "dashboards", "uplink.json")
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
        with Daemon(data, interval="1s") as d:
            equal(d.json(ONE), DOCUMENT, "after a restart")
            equal([e["name"] for e in d.json(PATH)["dashboards"]], ["uplink"], "list")


run([test_roles, test_restart])
