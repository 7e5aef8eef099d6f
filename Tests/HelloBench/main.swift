import Foundation
import Hummingbird
import Logging

// What the framework does when there is nothing to do: the measure of scripts/bench api.
let router = Router()
router.get("hello") { _, _ in "hello" }
var logger = Logger(label: "hello")
logger.logLevel = .error
let application = Application(
    router: router,
    configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
    onServerRunning: { channel in
        print("listening on 127.0.0.1:\(channel.localAddress?.port ?? 0)")
        // Nobody reads what stays in the buffer.
        fflush(nil)
    },
    logger: logger)
try await application.run()
