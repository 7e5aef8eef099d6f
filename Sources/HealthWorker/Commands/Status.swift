import ArgumentParser
import HealthWorkerModel

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong now, first things first; exit 3 if anything is.")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let client = try options.client()
        var troubles: [String] = []

        let fleet = try await client.get("/v1/fleet")["items"]?.elements ?? []
        for role in ["register", "worker"]
        where !fleet.contains(where: {
            $0["roles"]?.elements.contains(.string(role)) ?? false
        }) {
            troubles.append("no \(role) is running: nothing is probed")
        }
        for process in fleet {
            if let paused = process["paused"]?.text {
                troubles.append("worker \(process["name"]?.text ?? "?") claims nothing: \(paused)")
            }
        }

        let policies = try await all(client, "/v1/policies")
        for policy in policies {
            let name = policy["name"]?.text ?? "?"
            let observed = policy["observed"]
            if observed?["route"] == nil {
                troubles.append("policy \(name) has no route yet")
            } else if let families = observed?["unprotected"]?.elements, !families.isEmpty {
                troubles.append(
                    "policy \(name) publishes nothing healthy of "
                        + families.compactMap(\.text).joined(separator: ", "))
            }
            if let reason = observed?["freeze"]?["reason"]?.text {
                troubles.append("policy \(name) is frozen: \(reason)")
            }
        }

        let checks = try await all(client, "/v1/checks")
        for check in checks {
            let name = check["name"]?.text ?? "?"
            guard let observed = check["observed"] else { continue }
            if observed["health"]?.text == "unhealthy" {
                let outcome = observed["last_outcome"]
                let why = [outcome?["reason"]?.text, outcome?["detail"]?.text].compactMap { $0 }
                troubles.append(
                    "check \(name) is unhealthy since \(observed["since"]?.text ?? "?")"
                        + (why.isEmpty ? "" : ": \(why.joined(separator: ", "))"))
            }
            if observed["stale"] == .bool(true) {
                troubles.append(
                    "check \(name) is stale: \(observed["stale_because"]?.text ?? "not probed")")
            }
        }

        let overrides = try await all(client, "/v1/overrides")
        let queue = try await client.get("/v1/queue")
        troubles += Queue.troubles(of: queue)
        print(
            "\(checks.count) checks, \(policies.count) policies, \(overrides.count) overrides, "
                + "\(queue["live"]?.text ?? "?") jobs live")
        for override in overrides {
            print(
                "override: \(override["policy"]?.text ?? "?")/\(override["member"]?.text ?? "?") "
                    + "\(override["word"]?.text ?? "?") "
                    + (override["until"]?.text.map { "until \($0)" } ?? "permanently")
                    + ", by \(override["actor"]?.text ?? "?"): \(override["reason"]?.text ?? "")")
        }
        guard !troubles.isEmpty else {
            print("Nothing is wrong.")
            return
        }
        for trouble in troubles { print(trouble) }
        throw Exit.no
    }

    private func all(_ client: APIClient, _ path: String) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var query = "?limit=500"
        while true {
            let page = try await client.get(path + query)
            items += page["items"]?.elements ?? []
            guard let cursor = page["next_cursor"]?.text else { return items }
            query = "?limit=500&cursor=\(cursor)"
        }
    }
}
