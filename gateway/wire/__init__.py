"""Bytes on the wire, without sockets: reading and writing XML, redaction, HTTP credentials, request bodies."""
