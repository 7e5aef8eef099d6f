import ArgumentParser
import HealthWorkerStorage

/// Where keys are changed: at the API, or on the database where no key is at hand.
struct KeyOptions: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Flag(help: "Work on the database itself, as for the first key.")
    var database = false

    func withKeys<Value>(_ body: (any KeyRegistry) async throws -> Value) async throws -> Value {
        if !database {
            let api = try client.client()
            if api.key != nil || client.isServerGiven { return try await body(KeysOfAPI(api: api)) }
        }
        let storage = try await Engine.open(try client.configuration.load())
        let value = try await Engine.reporting { try await body(KeysOfDatabase(storage: storage)) }
        await storage.close()
        return value
    }
}
