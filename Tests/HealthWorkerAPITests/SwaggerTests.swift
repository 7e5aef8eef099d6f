import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import Hummingbird
import NIOCore
import Testing

@Suite struct SwaggerTests {
    @Test func `the page is made of files of the program alone`() async throws {
        try await TestAPI.run { api in
            let page = try await api.get("/docs", as: nil)
            let script = try await api.get("/docs/init.js", as: nil)

            #expect(page.status == .ok)
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(!page.text.contains("://"))
            #expect(!script.text.contains("://"))
            #expect(script.text.contains("validatorUrl: null"))
            #expect(script.text.contains("persistAuthorization: true"))
            let policy = try #require(page.headers[.contentSecurityPolicy])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; "))
            #expect(!policy.contains("http"))
            let files = page.text.matches(of: #/(?:src|href)="(/docs/[^"]+)"/#).map {
                String($0.1)
            }
            #expect(files.count == 4)
            for file in files {
                let answer = try await api.get(file, as: nil)
                #expect(answer.status == .ok, "\(file)")
                #expect(answer.headers[.contentSecurityPolicy] == policy)
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            }
        }
    }

    @Test func `the bundle is compressed and kept for ever`() async throws {
        try await TestAPI.run { api in
            let path = try #require(
                APIServer.undescribedPaths.first { $0.hasSuffix("/swagger-ui-bundle.js") })

            let bundle = try await api.get(path, as: nil)
            let tag = try #require(bundle.headers[.eTag])
            let again = try await api.get(path, as: nil, headers: [.ifNoneMatch: tag])

            #expect(path.contains("5.34.0"))
            #expect(bundle.headers[.contentEncoding] == "gzip")
            #expect(bundle.headers[.contentType] == "text/javascript")
            #expect(bundle.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(bundle.body.getBytes(at: 0, length: 2) == [0x1f, 0x8b])
            #expect(bundle.body.readableBytes > 400_000)
            #expect(again.status == .notModified)
            #expect(again.text.isEmpty)
        }
    }
}
