#!/usr/bin/env python3
"""What a survey costs, and that it keeps to its share. Runs alone: whose sockets are whose is read from
the descriptors of every process of the host, and those of a browser beside are a cost, too."""

import resource
import socket
import time

import rig
from rig import Daemon, Directory, Skip, equal, until
from test_sockets import TABLES, pair, surveys_pass


def test_pace():
    """a survey of many sockets slows down by itself, says so, and recovers"""
    wanted = 12000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 500:
        raise Skip("ulimit -Hn is too small here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 500), hard))
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    many = []
    with Directory() as data, \
            Daemon(data, environment=TABLES) as d:
        while len(many) < wanted:
            many += pair(listener=listener)
        try:
            until("it is slower", lambda: d.metric("netsonde_survey_interval_seconds") >= 0.4)
            d.logged("to stay below 5 % of a core")
            surveys_pass(d, 5)
            began, used = time.monotonic(), d.metric("netsonde_survey_seconds_total")
            surveys_pass(d, 8)
            share = (d.metric("netsonde_survey_seconds_total") - used) / (time.monotonic() - began)
            equal(share < 0.07, True, f"share of a core: {share}")
        finally:
            for s in many:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.close()
        if rig.SLOW == 1:
            until("it is as fast as before",
                  lambda: d.metric("netsonde_survey_interval_seconds") == 0.2)
            d.logged("surveys are made every 0.2 s again")


if __name__ == "__main__":
    rig.own_network()
    rig.run([test_pace])
