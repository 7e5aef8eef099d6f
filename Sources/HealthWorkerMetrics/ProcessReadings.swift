import Foundation
import HealthWorkerModel

/// What the kernel says of this process, under the names that every program tells Prometheus.
package enum ProcessReadings {
    /// Without what cannot be read here.
    package static func now() -> [Reading] {
        var readings: [Reading] = []
        if let stat = text(of: "/proc/self/stat").flatMap(ProcessStat.init) {
            readings += [
                Reading(.processCPU, stat.cpuSeconds(ticks: ticks)),
                Reading(.processVirtualMemory, stat.virtualBytes),
                Reading(
                    .processResidentMemory,
                    stat.residentPages * Double(sysconf(Int32(_SC_PAGESIZE)))),
            ]
            if let boot = text(of: "/proc/stat").flatMap(bootTime) {
                readings.append(
                    Reading(.processStart, boot + stat.startTicks / ticks))
            }
        }
        if let open = openDescriptors() { readings.append(Reading(.processOpenDescriptors, open)) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            readings.append(Reading(.processMostDescriptors, Double(limit.rlim_cur)))
        }
        return readings
    }

    private static var ticks: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

    /// Without the one that looks.
    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != UInt8(ascii: ".") { count += 1 }
        }
        return count - 1
    }

    private static func bootTime(_ stat: String) -> Double? {
        stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst(6)) }
    }

    /// Files of the kernel have no length to go by.
    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A line of `/proc/PID/stat` (proc(5)), as far as it is told.
struct ProcessStat: Hashable {
    private(set) var userTicks: Double
    private(set) var systemTicks: Double
    private(set) var startTicks: Double
    private(set) var virtualBytes: Double
    private(set) var residentPages: Double

    /// Nil for what is no such line. The name of the program, in brackets, may hold anything.
    init?(_ line: String) {
        guard let end = line.lastIndex(of: ")") else { return nil }
        // The third field of the line is the first here.
        let fields = line[line.index(after: end)...].split(separator: " ")
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3)
                ? Double(fields[number - 3].filter { !$0.isNewline }) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22),
            let bytes = field(23), let pages = field(24)
        else { return nil }
        userTicks = user
        systemTicks = system
        startTicks = start
        virtualBytes = bytes
        residentPages = pages
    }

    func cpuSeconds(ticks: Double) -> Double { (userTicks + systemTicks) / ticks }
}
