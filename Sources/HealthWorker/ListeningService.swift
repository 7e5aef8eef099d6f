import Foundation
import NIOCore
import ServiceLifecycle

/// A service that listens, and says which setting to change where it cannot.
struct ListeningService: Service {
    let key: String
    let address: String
    let base: any Service

    func run() async throws {
        do {
            try await base.run()
        } catch let error as IOError where [EADDRINUSE, EADDRNOTAVAIL].contains(error.errnoCode) {
            let why = error.errnoCode == EADDRINUSE ? "is taken" : "is no address of this machine"
            throw ListenError(
                "\(key) \(address) \(why): name another, or end what listens there.")
        }
    }
}

/// A listener that could not be opened, in one sentence.
struct ListenError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
