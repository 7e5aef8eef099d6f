import Foundation
import FreePorts
import HealthWorkerModel

/// Debian's nginx on ports of loopback, with the tests' certificates.
struct Nginx {
    let plain: Int
    /// The port that presents each certificate.
    let secure: [String: Int]
    /// Takes only clients with a certificate.
    let exclusive: Int
    private let log: URL
    private let running: Running

    /// How many requests came that had `asked` in a header X-Asked.
    func requests(of asked: String) -> Int {
        let lines = (try? String(contentsOf: log, encoding: .utf8))?.split(separator: "\n") ?? []
        return lines.count { $0 == asked }
    }

    static func start(in folder: URL) async throws -> Nginx {
        let certificates = try Certificates.shared.get()
        let plain = try freePort()
        let exclusive = try freePort()
        let names = ["good", "expired", "early", "self"]
        let secure = Dictionary(uniqueKeysWithValues: try names.map { ($0, try freePort()) })
        try Data(String(repeating: "x", count: 200_000).utf8 + Data("up".utf8))
            .write(to: folder.appending(path: "big"))
        let locations = """
            root \(folder.path);
            location = /up { return 200 up; }
            location = /empty { return 204; }
            location = /busy { return 503; }
            location = /there { return 301 /up; }
            location = /thence { return 307 /there; }
            location = /circle { return 302 /circle; }
            location = /out { return 302 https://127.0.0.1:\(secure["good"] ?? 0)/up; }
            location = /in { return 302 http://127.0.0.1:\(plain)/up; }
            location = /hangup { return 444; }
            location = /crawl { limit_rate 1k; try_files /big =404; }
            """
        func server(_ port: Int, certificate name: String, more: String = "") -> String {
            """
            server {
                listen 127.0.0.1:\(port) ssl http2;
                ssl_certificate \(certificates.folder.path)/\(name).pem;
                ssl_certificate_key \(certificates.folder.path)/\(name).key;
                \(more)
                \(locations)
            }
            """
        }
        let servers =
            secure.map { server($0.value, certificate: $0.key) } + [
                server(
                    exclusive, certificate: "good",
                    more: "ssl_client_certificate \(certificates.authority); ssl_verify_client on;")
            ]
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(folder.path)/\($0);" }.joined(separator: "\n")
        let configuration = folder.appending(path: "nginx.conf")
        try Data(
            """
            daemon off;
            master_process off;
            pid \(folder.path)/nginx.pid;
            error_log \(folder.path)/error.log;
            events {}
            http {
                log_format asked $http_x_asked;
                access_log \(folder.path)/access.log asked;
                default_type text/plain;
                \(temporary)
                server { listen 127.0.0.1:\(plain); \(locations) }
                \(servers.joined(separator: "\n"))
            }
            """.utf8
        ).write(to: configuration)
        let nginx = Nginx(
            plain: plain, secure: secure, exclusive: exclusive,
            log: folder.appending(path: "access.log"),
            running: try Running(
                URL(filePath: "/usr/sbin/nginx"),
                ["-c", configuration.path, "-e", folder.appending(path: "error.log").path],
                in: folder))
        do {
            try await awaitListener(at: plain)
        } catch {
            nginx.stop()
            let log = try String(contentsOf: folder.appending(path: "error.log"), encoding: .utf8)
            throw OracleFailure(sentence: "nginx did not start: \(log)")
        }
        return nginx
    }

    func stop() {
        running.stop()
    }
}
