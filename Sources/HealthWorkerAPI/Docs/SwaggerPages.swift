import CSwaggerUI
import HTTPTypes
import HealthWorkerDocument
import Hummingbird
import NIOCore

/// The page at `/docs`: Swagger UI out of the program itself, without any other host.
struct SwaggerPages: Sendable {
    static let index = "/docs"
    static let script = "/docs/init.js"
    /// The version is in the path, so that browsers can keep the files for ever.
    static let assets = "/docs/swagger-ui-\(String(cString: hw_swagger_ui_version()))"

    /// Documents and files: they are not operations, so the OpenAPI document does not list them.
    static let paths: [String] =
        [index, script] + Asset.allCases.map { "\(assets)/\($0.rawValue)" }

    private enum Asset: String, CaseIterable {
        case bundle = "swagger-ui-bundle.js"
        case style = "swagger-ui.css"
        case favicon = "favicon.png"

        var type: MediaType {
            switch self {
            case .bundle: .script
            case .style: .style
            case .favicon: .png
            }
        }

        var isCompressed: Bool { self != .favicon }

        var bytes: ByteBuffer {
            let file =
                switch self {
                case .bundle: hw_swagger_ui_bundle()
                case .style: hw_swagger_ui_style()
                case .favicon: hw_swagger_ui_favicon()
                }
            // The bytes are constants of the program: they outlive every copy that is made here.
            return ByteBuffer(bytes: UnsafeBufferPointer(start: file.bytes, count: file.count))
        }
    }

    func mount(on router: some RouterMethods<APIContext>) {
        router.get(RouterPath(Self.index)) { _, _ in
            page(Self.indexPage, type: .html)
        }
        router.get(RouterPath(Self.script)) { _, _ in
            page(Self.initScript, type: .script)
        }
        for asset in Asset.allCases {
            let bytes = asset.bytes
            router.get(RouterPath("\(Self.assets)/\(asset.rawValue)")) { request, _ in
                answer(asset, bytes, to: request)
            }
        }
    }

    private func page(_ text: String, type: MediaType) -> Response {
        .text(
            text, type: "\(type.rawValue); charset=utf-8",
            headers: Self.safety + [.init(name: .cacheControl, value: "no-cache")])
    }

    private func answer(_ asset: Asset, _ bytes: ByteBuffer, to request: Request) -> Response {
        let tag = "\"\(String(cString: hw_swagger_ui_version()))-\(asset.rawValue)\""
        var headers = Self.safety
        headers[.contentType] = asset.type.rawValue
        headers[.eTag] = tag
        headers[.cacheControl] = "public, max-age=31536000, immutable"
        if asset.isCompressed {
            headers[.contentEncoding] = "gzip"
            headers[.vary] = "Accept-Encoding"
        }
        if Preconditions.matches(tag, header: request.headers[.ifNoneMatch]) {
            headers[.contentEncoding] = nil
            return Response(status: .notModified, headers: headers)
        }
        // Kept compressed only. What cannot read gzip is no browser that runs Swagger UI.
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }

    /// Nothing but our own files and our own API; Swagger UI sets style attributes and draws its
    /// icons from `data:` URLs.
    private static let safety: HTTPFields = [
        .contentSecurityPolicy: "default-src 'none'; script-src 'self'; "
            + "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        .xContentTypeOptions: "nosniff",
        .referrerPolicy: "no-referrer",
    ]

    private static let indexPage = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Health Worker API</title>
        <link rel="icon" type="image/png" href="\(assets)/favicon.png">
        <link rel="stylesheet" href="\(assets)/swagger-ui.css">
        </head>
        <body>
        <div id="swagger-ui"></div>
        <noscript>This page needs JavaScript. The document is at <a href="/openapi.json">/openapi.json</a>.</noscript>
        <script src="\(assets)/swagger-ui-bundle.js"></script>
        <script src="\(script)"></script>
        </body>
        </html>

        """

    // Without validatorUrl: null the bundle would send the document to a public validator.
    private static let initScript = """
        window.ui = SwaggerUIBundle({
          url: "/openapi.json",
          dom_id: "#swagger-ui",
          presets: [SwaggerUIBundle.presets.apis],
          layout: "BaseLayout",
          validatorUrl: null,
          persistAuthorization: true,
          displayRequestDuration: true,
          filter: true,
          deepLinking: true,
          defaultModelsExpandDepth: 0
        });

        """
}

extension HTTPField.Name {
    static let referrerPolicy = Self("Referrer-Policy")!  // a token (RFC 9110 §5.1)
}
