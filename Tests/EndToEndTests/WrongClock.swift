import Foundation

/// What makes a program see another wall clock than its machine's.
enum WrongClock {
    private static let library = Result { () throws -> URL in
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "WrongClock/wrong_clock.c")
        let library = Here.healthWorker.deletingLastPathComponent().appending(
            path: "wrong-clock.so")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c",
            """
            clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
            "$clang" -shared -fPIC -O1 -D_GNU_SOURCE -o "$1" "$0"
            """, source.path, library.path,
        ]
        _ = try process.output()
        return library
    }

    /// The variables of a program whose clock is to be wrong.
    static func settings(by seconds: Int) throws -> [String: String] {
        ["LD_PRELOAD": try library.get().path, "WRONG_CLOCK_SECONDS": "\(seconds)"]
    }
}
