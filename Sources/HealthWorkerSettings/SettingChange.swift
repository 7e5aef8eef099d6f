/// A key whose value is another one than before.
package struct SettingChange: Sendable, Equatable {
    package let key: String
    /// As people write it; `***` for a secret; nil for one that is gone.
    package let value: String?
    /// Where the value came from; nil for a secret that is gone.
    package let source: SettingSource?
    /// Whether it takes effect without a restart.
    package let reloads: Bool
}

extension Settings {
    /// The keys whose values differ from those of `others`, in the order of the sample.
    ///
    /// - Parameter started: What the process began with; nil: `others`. A sink that it had then, of the same
    ///   type, reloads; every other one waits for the next start.
    package func changes(from others: Settings, since started: Settings? = nil) -> [SettingChange] {
        let running = Set(
            (started ?? others).sinks.filter { sink in
                sinks.contains { $0.name == sink.name && $0.type == sink.type }
            }.map(\.name))
        func reloads(_ path: String) -> Bool {
            let parts = path.split(separator: ".", maxSplits: 2)
            guard parts.count == 3, parts[0] == "sinks" else { return SettingKey.reloads(path) }
            return parts[2] != "type" && running.contains(String(parts[1]))
        }
        let before = Dictionary(
            others.shown.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        let changed = shown.filter {
            before[$0.key] != $0.value || others.hidden[$0.key] != hidden[$0.key]
        }
        let kept = Set(shown.map(\.key))
        return changed.map {
            SettingChange(
                key: $0.key, value: $0.value, source: $0.source, reloads: reloads($0.key))
        }
            + others.shown.filter { !kept.contains($0.key) }.map {
                SettingChange(
                    key: $0.key, value: nil, source: nil, reloads: reloads($0.key))
            }
    }
}

extension SettingKey {
    /// A key that is not in the table is one of `secrets.NAME`.
    fileprivate static func reloads(_ path: String) -> Bool {
        (all.first { $0.path == path } ?? all.first { $0.path == "secrets.NAME" })?.reloads
            ?? false
    }
}
