import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix

extension SinkError {
    /// Why a call by HTTP got no answer, in words.
    package static func why(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded,
            let error as HTTPClientError where error == .connectTimeout:
            "it took too long."
        case let error as IOError:
            "\(String(cString: strerror(error.errnoCode)).lowercased())."
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { why($0.error) } ?? "its name has no address."
        case is CancellationError: "it took too long."
        default: "\(error)."
        }
    }
}
