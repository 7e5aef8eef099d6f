import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/budgets`
struct BudgetEndpoints {
    let backend: Backend

    private static let name = Endpoint.Parameter.path("name", .name, "The budget's name.")

    static let properties: [Schema.Property] = [
        Answers.required(
            "selector",
            .selector.described(
                "The members that are meant, by their labels; those of a policy count for each of its "
                    + "members.")),
        Answers.optional(
            "at_most",
            .integer(0...1_000_000).described("So many of them may leave within the window.")),
        Answers.optional(
            "at_most_percent",
            .integer(1...100).described(
                "So many of a hundred of those that are published, rounded down.")),
        Answers.required(
            "window",
            .timeSpan(.seconds(1)...(.hours(24))).shown(as: .string("1h")).described(
                "What turns within this time counts together.")),
    ]

    private static let example = Node.object([
        .init("selector", .text("site=fra1")), .init("at_most", .number(2)),
        .init("window", .text("1h")),
    ])

    var all: [Endpoint] { [list, get, put, delete] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/budgets", "listBudgets", tag: .policies, role: .read,
            summary: "List how much may leave by itself",
            answers: [Endpoint.Answer(.ok, "By name.", .reference("BudgetList"))]
        ) { [backend] _ in
            let budgets = try await backend.storage.budgets()
            return .json(
                .object([.init("items", .list(budgets.map { Node.encoding($0) }))]))
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/budgets/{name}", "getBudget", tag: .policies, role: .read,
            summary: "Get a safety budget", parameters: [Self.name],
            answers: [Endpoint.Answer(.ok, "The budget.", .reference("SafetyBudget"))],
            problems: [.notFound]
        ) { [backend] call in
            guard let budget = try await stored(call.name(), backend) else {
                throw ProblemDetails.missing(.budget, call.name())
            }
            return .json(.encoding(budget))
        }
    }

    private var put: Endpoint {
        Endpoint(
            .put, "/v1/budgets/{name}", "putBudget", tag: .policies, role: .write,
            summary: "Set how many members may leave by themselves within a time",
            description: "Members that turn unhealthy beyond that stay published until a person "
                + "releases them: `POST /v1/guard/release`. Exactly one of `at_most` and "
                + "`at_most_percent`. What operators take out by hand is not counted.",
            parameters: [Self.name, ObjectWriting.message],
            body: Endpoint.Body(.object(Self.properties), example: Self.example),
            answers: [
                Endpoint.Answer(.ok, "The budget.", .reference("SafetyBudget"))
            ], problems: [.conflict]
        ) { call in
            let document = try call.document
            let limit: SafetyBudget.Limit
            switch (document["at_most"]?.integer, document["at_most_percent"]?.integer) {
            case (let most?, nil): limit = .members(Int(most))
            case (nil, let percent?): limit = .percent(Int(percent))
            default:
                throw ProblemDetails(
                    .invalid, [Problem("needs exactly one of `at_most` and `at_most_percent`")])
            }
            let budget = SafetyBudget(
                name: call.name(), selector: try LabelSelector(document["selector"]?.text ?? ""),
                limit: limit,
                window: document["window"]?.text.flatMap(TimeSpan.init) ?? .hours(1))
            try await change(call, to: budget)
            return .json(.encoding(budget))
        }
    }

    private var delete: Endpoint {
        Endpoint(
            .delete, "/v1/budgets/{name}", "deleteBudget", tag: .policies, role: .write,
            summary: "Take a safety budget away",
            description: "What it holds stays held until it is released.",
            parameters: [Self.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.noContent, "It is gone.", types: [])],
            problems: [.notFound]
        ) { call in
            try await change(call, to: nil)
            return Response(status: .noContent)
        }
    }

    private func stored(
        _ name: String, _ backend: Backend
    ) async throws(StorageError) -> SafetyBudget? {
        try await backend.storage.budgets().first { $0.name == name }
    }

    private func change(_ call: Call, to budget: SafetyBudget?) async throws {
        let caller = try call.caller
        guard caller.mayWrite(set: nil) else {
            throw ProblemDetails(
                .forbidden,
                "A budget speaks of members of all sets, and this key may write "
                    + "\(caller.sets.joined(separator: ", ")) only.")
        }
        do {
            try await backend.storage.change(
                BudgetChange(
                    call.name(), budget, actor: caller.actor, message: call.text("message"),
                    requestID: call.context.requestID))
        } catch .refused(let refusals) {
            throw ProblemDetails(refusals)
        }
    }
}
