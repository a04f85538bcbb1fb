"""Requests that schemathesis generates from the contract file, sent to the simulator of each reseller."""
