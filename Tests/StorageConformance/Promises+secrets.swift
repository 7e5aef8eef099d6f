import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let secrets: [StoragePromise] = [
        StoragePromise("a secret is kept as it was sealed, replaced and deleted") {
            let storage = try await $0.storage(process: 1)
            let nothing = try unwrap(try await storage.secrets(unlessRevision: nil), "secrets")

            let created = try await storage.change(
                SecretChange(.put(sealed: "one"), of: "b", actor: "ann"))
            _ = try await storage.change(SecretChange(.put(sealed: "other"), of: "a", actor: "ann"))
            let first = try await storage.secrets()
            try await $0.age(by: .minutes(1))
            let updated = try await storage.change(
                SecretChange(.put(sealed: "two"), of: "b", actor: "bob"))
            let second = try await storage.secrets()
            let deleted = try await storage.change(SecretChange(.delete, of: "a", actor: "ann"))
            let missing = try await refusals {
                _ = try await storage.change(SecretChange(.delete, of: "a", actor: "eve"))
            }

            try expectEqual(nothing, StoredSecrets(), "secrets at first")
            try expectEqual(first.map(\.name), ["a", "b"], "names")
            try expectEqual(first.map(\.sealed), ["other", "one"], "sealed")
            try expectEqual(created, .created(revision: first[1].revision), "result")
            try expectEqual(first[1].createdAt, first[1].updatedAt, "moments of a new one")
            try expectEqual(second.map(\.sealed), ["other", "two"], "sealed afterwards")
            try expectEqual(updated, .updated(revision: second[1].revision), "result")
            try expect(
                second[1].updatedAt - second[1].createdAt >= .minutes(1), "the moments are equal")
            try expectEqual(second[1].updatedBy, "bob", "who")
            try expectEqual(deleted, .deleted, "result")
            try expectEqual(missing, [.missing(.secret, "a")], "refusals")
            try expectEqual(try await storage.secrets().map(\.name), ["b"], "names at last")
        },
        StoragePromise("whoever knows the revision of secrets reads none, until one changes") {
            let storage = try await $0.storage(process: 1)
            let other = try await $0.storage(process: 2)
            var revisions: [Int64] = []
            let orders: [(String, SecretChange.Order)] = [
                ("a", .put(sealed: "1")), ("a", .put(sealed: "1")), ("b", .put(sealed: "2")),
                ("a", .delete),
            ]
            for (name, order) in orders {
                _ = try await storage.change(SecretChange(order, of: name, actor: "ann"))
                let read = try unwrap(
                    try await other.secrets(unlessRevision: revisions.last), "change of \(name)")
                revisions.append(read.revision)
                try expect(
                    try await other.secrets(unlessRevision: read.revision) == nil,
                    "it was read again")
            }

            try expectEqual(revisions, revisions.sorted(), "revisions")
            try expectEqual(Set(revisions).count, orders.count, "different revisions")
        },
        StoragePromise("a secret that checks use stays, and they are named") {
            let storage = try await $0.storage(process: 1)
            _ = try await storage.change(SecretChange(.put(sealed: "1"), of: "token", actor: "ann"))
            _ = try await storage.change(SecretChange(.put(sealed: "2"), of: "spare", actor: "ann"))
            var two = CheckSpec.sample("two")
            two.http = HTTPRequest(secretHeaders: ["A": "secret:token", "B": "secret:none"])
            var one = CheckSpec.sample("one")
            one.http = HTTPRequest(secretHeaders: ["A": "secret:token", "B": "secret:token"])
            var talker = CheckSpec.sample("talker")
            talker.description = #"has no "secret_headers": {"A": "secret:spare"}"#
            try await storage.put(two, one, talker, .sample("plain"))

            let users = try await storage.secretUsers()
            let used = try await refusals {
                _ = try await storage.change(SecretChange(.delete, of: "token", actor: "ann"))
            }
            _ = try await storage.change(SecretChange(.delete, of: "spare", actor: "ann"))
            try await storage.change(.deleteCheck("one"), .deleteCheck("two"))
            _ = try await storage.change(SecretChange(.delete, of: "token", actor: "ann"))

            try expectEqual(users, ["token": ["one", "two"], "none": ["two"]], "users")
            try expectEqual(used, [.secretInUse("token", by: ["one", "two"])], "refusals")
            try expectEqual(try await storage.secretUsers(), [:], "users afterwards")
            try expectEqual(try await storage.secrets(), [], "secrets")
        },
        StoragePromise("a secret is sealed anew only while its value is the same") {
            let storage = try await $0.storage(process: 1)
            _ = try await storage.change(SecretChange(.put(sealed: "old"), of: "a", actor: "ann"))
            let stored = try await storage.secrets()[0]
            try await $0.age(by: .minutes(1))

            let stale = try await storage.change(
                SecretChange(
                    .reseal(sealed: "x", revision: stored.revision - 1), of: "a", actor: "bob"))
            let gone = try await storage.change(
                SecretChange(.reseal(sealed: "x", revision: 1), of: "none", actor: "bob"))
            let unchanged = try await storage.secrets()[0]
            _ = try await storage.change(
                SecretChange(
                    .reseal(sealed: "new", revision: stored.revision), of: "a", actor: "bob"))
            let resealed = try await storage.secrets()[0]

            try expectEqual(stale, .unchanged(revision: stored.revision), "of another revision")
            try expectEqual(gone, .unchanged(revision: 0), "of a missing one")
            try expectEqual(unchanged.sealed, "old", "sealed")
            try expectEqual(resealed.sealed, "new", "sealed anew")
            try expectEqual(resealed.updatedBy, "ann", "who gave the value")
            try expect(resealed.revision > stored.revision, "nobody learns of it")
        },
        StoragePromise("the audit log tells of each change of a secret, and nothing of its value") {
            let storage = try await $0.storage(process: 1)
            for order in [
                SecretChange.Order.put(sealed: "planted"), .put(sealed: "planted"), .delete,
            ] {
                _ = try await storage.change(
                    SecretChange(order, of: "token", actor: "ann", message: "rotation"))
            }
            _ = try await refusals {
                _ = try await storage.change(SecretChange(.delete, of: "token", actor: "eve"))
            }

            let log = try await storage.audit(before: nil, limit: 9)

            try expectEqual(
                log.map(\.action), ["secret.deleted", "secret.updated", "secret.created"],
                "actions")
            try expectEqual(Set(log.map(\.object)), ["token"], "objects")
            try expectEqual(Set(log.map(\.message)), ["rotation"], "messages")
            try expect(log.allSatisfy { $0.before == nil && $0.after == nil }, "a value is shown")
        },
        StoragePromise("changes of secrets at the same time all count") {
            let storages = [
                try await $0.storage(process: 1), try await $0.storage(process: 2),
            ]
            let names = (0..<16).map { "s\($0)" }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, name) in names.enumerated() {
                    group.addTask {
                        _ = try await storages[index % 2].change(
                            SecretChange(.put(sealed: name), of: name, actor: "ann"))
                    }
                }
                try await group.waitForAll()
            }

            let stored = try await storages[0].secrets()
            try expectEqual(Set(stored.map(\.name)), Set(names), "names")
            try expectEqual(Set(stored.map(\.revision)).count, names.count, "revisions")
        },
    ]
}
