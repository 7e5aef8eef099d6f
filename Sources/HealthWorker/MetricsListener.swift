import Foundation
import HealthWorkerMetrics
import HealthWorkerSettings
import HealthWorkerStorage
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Serves `/metrics`, `/livez` and `/readyz` on the first free port of the range, apart from the API,
/// so that any number of roles on one host have one each.
struct MetricsListener: Service {
    let listen: ListenRange
    let metrics: PrometheusMetricsFactory
    /// What is read when somebody asks.
    let readings: @Sendable () async -> [Reading]
    let storage: any Storage
    let logger: Logger

    func run() async throws {
        for port in listen.ports {
            do {
                try await serve(on: port)
                return
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                continue
            }
        }
        throw ListenError("Every port of metrics.listen, \(listen), is taken: name others.")
    }

    private func serve(on port: Int) async throws {
        let router = Router()
        router.get("/metrics") { _, _ in
            let text = metrics.exposition(with: await readings())
            return Response(
                status: .ok,
                headers: [.contentType: PrometheusMetricsFactory.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        router.get("/livez") { _, _ in "alive" }
        router.get("/readyz") { _, _ in
            do {
                try await storage.ping()
                return Response(status: .ok)
            } catch {
                return Response(status: .serviceUnavailable)
            }
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: port)),
            onServerRunning: { _ in
                logger.info("metrics are served", metadata: ["port": "\(port)"])
            }, logger: logger)
        try await application.run()
    }
}
