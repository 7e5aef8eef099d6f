import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let audit: [StoragePromise] = [
        StoragePromise("the audit log is read newest first, page by page") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            try await storage.appendAudit(
                (1...5).map {
                    AuditEntry(
                        at: now, actor: "ann", action: "key.created", object: "k\($0)",
                        after: "{\"n\":\($0)}", message: "'", requestID: "r\($0)")
                })

            let first = try await storage.audit(before: nil, limit: 2)
            let rest = try await storage.audit(before: first[1].id, limit: 9)

            try expectEqual(first.map(\.object), ["k5", "k4"], "first page")
            try expectEqual(rest.map(\.object), ["k3", "k2", "k1"], "rest")
            try expectEqual(first[0].at, now, "moment")
            try expectEqual(first[0].after, #"{"n":5}"#, "after")
            try expectEqual(first[0].requestID, "r5", "request")
            try expect(first[0].before == nil, "There is a before")
        },
        StoragePromise("the audit log shows what its filter admits, page by page") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            var entries: [AuditEntry] = []
            for number in 0..<60 {
                entries.append(
                    AuditEntry(
                        at: now - .minutes(Int64(60 - number)), actor: ["ann", "bob"][number % 2],
                        action: ["check.created", "check.updated", "key.created"][number % 3],
                        object: "o\(number % 5)"))
            }
            try await storage.appendAudit(entries)

            let filters = [
                AuditFilter(), AuditFilter(actor: "ann"), AuditFilter(action: "key.created"),
                AuditFilter(object: "o3"), AuditFilter(since: now - .minutes(10)),
                AuditFilter(since: now - .hours(9)), AuditFilter(since: now),
                AuditFilter(actor: "bob", action: "check.updated"),
                AuditFilter(
                    actor: "bob", action: "check.updated", object: "o2",
                    since: now - .minutes(50)),
                AuditFilter(actor: "nobody"),
            ]
            for filter in filters {
                var found: [AuditEntry] = []
                while true {
                    let page = try await storage.audit(
                        matching: filter, before: found.last?.id, limit: 4)
                    found += page
                    if page.count < 4 { break }
                }
                try expectEqual(
                    found.map(\.object), entries.reversed().filter(filter.admits).map(\.object),
                    "objects of \(filter)")
                try expect(found.allSatisfy(filter.admits), "\(filter) admits others")
            }
        },
        StoragePromise("every write says for which request it was made") {
            let storage = try await $0.storage(process: 1)
            _ = try await storage.write(
                WriteBatch(
                    [
                        .putCheck(.sample("web"), set: nil),
                        .putPolicy(.detach("www", checks: ["web"]), makes: [], set: nil),
                    ], actor: "ann", requestID: "r1"))
            _ = try await storage.change(
                SettingsChange(
                    WorkerSettings(isPaused: true), for: .all, actor: "ann", requestID: "r2"))
            let policy = try await storage.policy("www").id
            _ = try await PolicyEvaluator(storage: storage).freeze(
                policy, reason: "work", until: nil,
                by: PolicyEvaluator.Operator("ann", requestID: "r3"))
            _ = try await storage.change(
                SecretChange(.put(sealed: "x"), of: "s", actor: "ann", requestID: "r4"))

            let log = try await storage.audit(before: nil, limit: 9)

            try expectEqual(log.map(\.requestID), ["r4", "r3", "r2", "r1", "r1"], "requests")
        },
        StoragePromise("old entries of the audit log go in small batches, oldest first") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            try await storage.appendAudit(
                [401, 400, 399, 405, 1].map { days in
                    AuditEntry(
                        at: now - .hours(24 * Int64(days)) + .hours(1), actor: "ann",
                        action: "check.created", object: "\(days)")
                })

            func prune(_ limit: Int) async throws -> Int {
                try await storage.pruneAudit(keep: .hours(24 * 400), limit: limit)
            }
            let first = try await prune(1)
            let oldestGone = try await storage.audit(before: nil, limit: 9).map(\.object)
            let second = try await prune(10)
            let third = try await prune(10)

            try expectEqual([first, second, third], [1, 1, 0], "entries that went")
            try expectEqual(oldestGone, ["1", "399", "400", "401"], "entries after the first one")
            try expectEqual(
                try await storage.audit(before: nil, limit: 9).map(\.object), ["1", "399", "400"],
                "entries that stay")
            try await $0.age(by: .hours(24))
            try expectEqual(try await prune(10), 1, "entries a day later")
        },
    ]
}
