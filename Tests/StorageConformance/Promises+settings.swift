import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let settings: [StoragePromise] = [
        StoragePromise("of what operators never set nothing is said") {
            let storage = try await $0.storage(process: 1)

            try expectEqual(try await storage.liveSettings(), LiveSettings(), "settings")
        },
        StoragePromise("settings are kept for each scope as they were set, and by whom") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            let limits = WorkerSettings(concurrency: 7, batchSize: 3)
            let paused = WorkerSettings(isPaused: true)
            try await first.set(paused, for: .name("host/1"), message: "it's \"odd\" \u{1F9EA}")
            try await first.set(limits, for: .location("fra1"), actor: "bob")
            try await first.set(WorkerSettings(isPaused: false), for: .all)

            let live = try await second.liveSettings()

            try expectEqual(
                live.settings.map(\.scope), [.all, .location("fra1"), .name("host/1")], "scopes")
            try expectEqual(
                live.settings.map(\.settings), [WorkerSettings(isPaused: false), limits, paused],
                "values")
            try expectEqual(live.settings.map(\.updatedBy), ["ann", "bob", "ann"], "actors")
            try expectEqual(
                live.settings.map(\.message), [nil, nil, "it's \"odd\" \u{1F9EA}"], "messages")
            let now = try await second.now()
            for entry in live.settings {
                try expect(
                    (.zero ... .seconds(120)).contains(now - entry.updatedAt),
                    "\(entry.scope) was set \(entry.updatedAt)")
            }
        },
        StoragePromise("each change of settings raises their revision, and what is equal none") {
            let storage = try await $0.storage(process: 1)
            let limits = WorkerSettings(concurrency: 7)

            let set = try await storage.set(limits, for: .all)
            let again = try await storage.set(limits, for: .all, actor: "bob")
            let other = try await storage.set(limits, for: .location("fra1"))
            let cleared = try await storage.set(WorkerSettings(), for: .all)
            let nothing = try await storage.set(WorkerSettings(), for: .name("no"))

            let revisions = [0, set.revision, other.revision, cleared.revision]
            try expectEqual(revisions, Set(revisions).sorted(), "revisions of four moments")
            try expectEqual(again, set, "settings after an equal change")
            try expectEqual(
                cleared.settings.map(\.scope), [.location("fra1")], "scopes after one was cleared")
            try expectEqual(
                cleared.settings.map(\.revision), [other.revision], "revision of what stayed")
            try expectEqual(nothing, cleared, "settings after nothing was cleared")
            try expectEqual(try await storage.liveSettings(), cleared, "settings as read")
        },
        StoragePromise("a revision of settings is past any that was given before a backup") {
            let storage = try await $0.storage(process: 1)
            let first = try await storage.set(WorkerSettings(isPaused: true), for: .all)
            try expect(
                first.revision >= (try await storage.now()).seconds - 120,
                "The first revision is \(first.revision)")

            try await $0.age(by: .minutes(5))
            let later = try await storage.set(WorkerSettings(isPaused: false), for: .all)

            try expect(
                later.revision >= first.revision + 290,
                "\(later.revision) came 5 min after \(first.revision)")
        },
        StoragePromise("settings are changed only where the precondition holds") {
            let storage = try await $0.storage(process: 1)
            let (one, two) = (WorkerSettings(concurrency: 1), WorkerSettings(concurrency: 2))
            let scope = WorkerScope.location("fra1")
            let name = "for location fra1"

            let absent = try await refusals {
                try await storage.set(one, for: scope, .present)
            }
            let unknown = try await refusals {
                try await storage.set(one, for: scope, .revision(1))
            }
            let set = try await storage.set(one, for: scope, .absent)
            let revision = try unwrap(set.settings(for: scope)?.revision, "setting")
            let present = try await refusals {
                try await storage.set(two, for: scope, .absent)
            }
            let old = try await refusals {
                try await storage.set(two, for: scope, .revision(revision - 1))
            }
            let unchanged = try await storage.liveSettings()
            let right = try await storage.set(two, for: scope, .revision(revision))

            try expectEqual(absent, [.missing(.setting, name)], "a present one is wanted")
            try expectEqual(unknown, [.missing(.setting, name)], "a revision is wanted")
            try expectEqual(present, [.exists(.setting, name)], "an absent one is wanted")
            try expectEqual(
                old, [.revision(.setting, name, current: revision)], "an old one is wanted")
            try expectEqual(unchanged, set, "settings after refusals")
            try expectEqual(right.settings(for: scope)?.settings, two, "settings")
        },
        StoragePromise("the audit log tells of each change of settings, and of no refused one") {
            let storage = try await $0.storage(process: 1)
            try await storage.set(
                WorkerSettings(concurrency: 7, isPaused: true), for: .name("w"), message: "ticket")
            try await storage.set(WorkerSettings(concurrency: 7), for: .name("w"), actor: "bob")
            try await storage.set(WorkerSettings(concurrency: 7), for: .name("w"), actor: "eve")
            _ = try await refusals {
                try await storage.set(WorkerSettings(), for: .name("w"), actor: "eve", .absent)
            }
            try await storage.set(WorkerSettings(), for: .name("w"))

            let entries = try await storage.audit(before: nil, limit: 9)

            try expectEqual(
                entries.map(\.action),
                ["worker_settings.cleared", "worker_settings.set", "worker_settings.set"],
                "actions")
            try expectEqual(entries.map(\.actor), ["ann", "bob", "ann"], "actors")
            try expectEqual(
                entries.map(\.object), Array(repeating: "worker w", count: 3), "objects")
            let (both, one) = (#"{"concurrency":7,"paused":true}"#, #"{"concurrency":7}"#)
            try expectEqual(entries.map(\.before), [one, both, nil], "before")
            try expectEqual(entries.map(\.after), [nil, one, both], "after")
            try expectEqual(entries.map(\.message), [nil, nil, "ticket"], "messages")
        },
        StoragePromise("changes of settings at the same time all count, one after the other") {
            let storages = [
                try await $0.storage(process: 1), try await $0.storage(process: 2),
            ]
            let names = (0..<24).map { "w\($0)" }

            let seen = try await withThrowingTaskGroup(of: LiveSettings.self) { group in
                for (index, name) in names.enumerated() {
                    let storage = storages[index % 2]
                    group.addTask {
                        try await storage.set(WorkerSettings(batchSize: 1), for: .name(name))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            let live = try await storages[0].liveSettings()
            try expectEqual(
                Set(live.settings.map(\.scope)), Set(names.map { .name($0) }), "scopes")
            try expectEqual(Set(seen.map(\.revision)).count, names.count, "revisions")
            try expectEqual(
                seen.sorted { $0.revision < $1.revision }.map(\.settings.count),
                Array(1...names.count), "settings as of each revision")
            try expectEqual(seen.map(\.revision).max(), live.revision, "last revision")
            try expectEqual(
                try await storages[1].audit(before: nil, limit: 99).count, names.count, "entries")
        },
        StoragePromise("of two that change the same revision of settings one is refused") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 1...10 {
                let scope = WorkerScope.location("l\(round)")
                let set = try await first.set(WorkerSettings(concurrency: 1), for: scope)
                let revision = try unwrap(set.settings(for: scope)?.revision, "setting")

                async let one = first.isAccepted(
                    WorkerSettings(concurrency: 2), for: scope, .revision(revision))
                async let other = second.isAccepted(
                    WorkerSettings(concurrency: 3), for: scope, .revision(revision))
                let accepted = try await [one, other]

                try expectEqual(accepted.count { $0 }, 1, "changes of revision \(revision)")
                let stored = try await second.liveSettings().settings(for: scope)
                try expectEqual(
                    stored?.settings.concurrency, accepted[0] ? 2 : 3, "concurrency afterwards")
            }
        },
    ]
}

extension Storage {
    @discardableResult
    fileprivate func set(
        _ settings: WorkerSettings, for scope: WorkerScope, actor: String = "ann",
        message: String? = nil, _ precondition: Precondition = .none
    ) async throws(StorageError) -> LiveSettings {
        try await change(
            SettingsChange(
                settings, for: scope, actor: actor, message: message, precondition: precondition))
    }

    fileprivate func isAccepted(
        _ settings: WorkerSettings, for scope: WorkerScope, _ precondition: Precondition
    ) async throws(StorageError) -> Bool {
        do {
            try await set(settings, for: scope, precondition)
            return true
        } catch .refused {
            return false
        }
    }
}
