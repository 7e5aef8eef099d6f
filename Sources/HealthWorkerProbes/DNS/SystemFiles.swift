import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// What the hosts file and `resolv.conf` say, read again where they have changed.
///
/// Files are read on a thread that may block. Whoever asks gets what was read last, and at most once
/// in `checkEvery` sets off a look at the files: with nothing to resolve there is nothing to look at.
final class SystemFiles: Sendable {
    struct Content: Hashable, Sendable {
        var hosts: HostsFile
        var configuration: ResolverConfiguration
    }

    private struct State {
        var content: Content?
        /// Nil: the files may have changed without a sign, or could not be read, so they are read again.
        var stamps: [FileStamp?]?
        var nextCheck = NIODeadline.uptimeNanoseconds(0)
        var isChecking = false
        /// Those who wait for the first reading.
        var waiting: [@Sendable (Content) -> Void] = []
    }

    private let state = Mutex(State())
    private let paths: [String]
    private let checkEvery: TimeAmount
    private let pool: NIOThreadPool
    private let changed: @Sendable (Content) -> Void

    /// - Parameter changed: Called on another thread when something else is read than before.
    init(
        hosts: String, configuration: String, checkEvery: TimeAmount, pool: NIOThreadPool,
        changed: @escaping @Sendable (Content) -> Void
    ) {
        paths = [hosts, configuration]
        self.checkEvery = checkEvery
        self.pool = pool
        self.changed = changed
    }

    /// What was read last; nil before the first time.
    func content(at now: NIODeadline) -> Content? {
        let (content, isDue) = state.withLock { state in
            let isDue = !state.isChecking && now >= state.nextCheck
            if isDue { state.isChecking = true }
            return (state.content, isDue)
        }
        if isDue { pool.submit { _ in self.check() } }
        return content
    }

    /// Calls `action` at once, or after the first reading, on another thread.
    func whenRead(_ action: @escaping @Sendable (Content) -> Void) {
        let content = state.withLock { state in
            if state.content == nil { state.waiting.append(action) }
            return state.content
        }
        if let content { action(content) }
    }

    private func check() {
        let before = state.withLock { ($0.content, $0.stamps) }
        let stamps = paths.map { FileStamp(path: $0) }
        var content = before.0
        var isCertain = !stamps.contains { $0?.isFresh == true }
        if content == nil || stamps != before.1 {
            let texts = paths.map { Self.text(of: $0) }
            if texts.contains(nil) { isCertain = false }
            content = Content(
                hosts: texts[0].map { HostsFile($0) } ?? content?.hosts ?? HostsFile(""),
                configuration: texts[1].map { ResolverConfiguration($0, hostName: Self.hostName) }
                    ?? content?.configuration
                    ?? ResolverConfiguration("", hostName: Self.hostName))
        }
        guard let content else { return }
        let waiting = state.withLock { state in
            state.content = content
            state.stamps = isCertain ? stamps : nil
            state.nextCheck = .now() + checkEvery
            state.isChecking = false
            defer { state.waiting = [] }
            return state.waiting
        }
        // Last, so that whoever asks from now on goes by the new content.
        if let known = before.0, known != content { changed(content) }
        for action in waiting { action(content) }
    }

    /// Empty where there is no such file; nil where it cannot be read now.
    private static func text(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return errno == ENOENT ? "" : nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &part, part.count)
            guard count >= 0 else { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What tells that a file is another one, or has other content.
private struct FileStamp: Equatable {
    private let device: UInt
    private let file: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// Nil where there is none.
    init?(path: String) {
        var entry = stat()
        guard stat(path, &entry) == 0 else { return nil }
        device = UInt(entry.st_dev)
        file = UInt(entry.st_ino)
        size = Int(entry.st_size)
        seconds = entry.st_mtim.tv_sec
        nanoseconds = entry.st_mtim.tv_nsec
    }

    /// Whether the file was written so lately that its next change could leave the same stamp: the kernel
    /// gives times by its tick, and the number of a removed file to the next one.
    var isFresh: Bool { seconds >= time(nil) - 1 }
}
