#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""file_server.py FOLDER PORT_FILE: serves FOLDER on a free port of 127.0.0.1, which it writes to PORT_FILE.

/FILE          with Range, as servers of large files do
/cut/FILE      ends after half of what was asked for
/whole/FILE    without Range
/log           one line a request: path and Range
Ends after two minutes, should nobody end it before.
"""
import http.server
import os
import signal
import sys

seen = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range", "")
        if self.path == "/log":
            self.answer(200, "".join(seen).encode(), {})
            return
        seen.append(f"{self.path} {asked}\n")
        path = os.path.join(sys.argv[1], os.path.basename(self.path))
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as f:
            body = f.read()
        if not asked or self.path.startswith("/whole/"):
            self.answer(200, body, {})
            return
        first = int(asked.split("=")[1].split("-")[0])
        if first >= len(body):
            self.send_error(416)
            return
        self.answer(206, body[first:], {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"})

    def answer(self, code, body, headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path.startswith("/cut/") else body)

    def log_message(self, *args):
        pass


signal.alarm(120)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[2] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
