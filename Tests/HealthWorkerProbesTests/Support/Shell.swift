import Glibc

/// Runs a line of shell to its end.
///
/// Not with Foundation's `Process`: that learns of an end by a descriptor, which the processes of exit
/// tests that are started meanwhile inherit and hold open.
func shell(_ line: String) throws {
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(line), nil]
    // The shell finds its programs where the system keeps them.
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let started = posix_spawn(&process, "/bin/sh", nil, nil, &arguments, &environment)
    guard started == 0 else { throw ShellFailure(line: line, status: started) }
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw ShellFailure(line: line, status: errno) }
    }
    guard status == 0 else { throw ShellFailure(line: line, status: status) }
}

struct ShellFailure: Error {
    var line: String
    /// As `waitpid` tells it, or what kept it from being started.
    var status: CInt
}
