"""What Airflow tells by StatsD is understood."""

from __future__ import annotations

import socket
import time

from benchmarks.metrics import Metrics


def test_counters_and_gauges_are_received() -> None:
    with Metrics() as metrics, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        to = ("127.0.0.1", int(metrics.settings["AIRFLOW__METRICS__STATSD_PORT"]))
        for datagram in (b"airflow.late:1|c", b"airflow.late:2|c\nairflow.took:5|ms", b"airflow.up:7|g"):
            sender.sendto(datagram, to)
        while "up" not in metrics.gauges:
            time.sleep(0.01)
        assert (metrics.counted, metrics.gauges) == ({"late": 3}, {"up": 7})
        metrics.forget()
        assert (metrics.counted, metrics.gauges) == ({}, {})
