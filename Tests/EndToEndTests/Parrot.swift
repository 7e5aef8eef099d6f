/// A target that tells what it was told.
enum Parrot {
    /// Says back what it was told, as a body, as a header, and as the host that it redirects to.
    static let script = """
        import http.server, sys
        class Parrot(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                told = self.headers.get("X-Token", "")
                body = ("you said " + told).encode()
                self.send_response(302 if self.path == "/redirect" else 500)
                if self.path == "/redirect":
                    self.send_header("Location", "http://" + told + ".invalid/" + told)
                self.send_header("X-Said", told)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Parrot).serve_forever()
        """
}
