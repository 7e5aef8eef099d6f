import HealthWorkerDocument

/// A way in which a client says who it is, as the OpenAPI document describes it.
package struct SecurityScheme: Sendable {
    /// Its name in the document.
    package var name: String
    var description: Node

    /// `Authorization: Bearer KEY`
    package static let bearer = SecurityScheme(
        name: "bearer",
        description: .object([
            .init("type", .text("http")), .init("scheme", .text("bearer")),
            .init("bearerFormat", .text("hw_<id>_<secret>")),
            .init("description", .text("A key of this API.")),
        ]))

    /// A header that says it all.
    package static func header(
        _ header: String, named name: String = "header", _ sentence: String
    ) -> SecurityScheme {
        SecurityScheme(
            name: name,
            description: .object([
                .init("type", .text("apiKey")), .init("in", .text("header")),
                .init("name", .text(header)), .init("description", .text(sentence)),
            ]))
    }
}
