import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import NIOCore
import Testing

@Suite struct ProblemsTests {
    @Test(arguments: ["/nothing", "/v1", "/v1/check", "/v1/checks/a/b/c", "/docs/other.js"])
    func `an unknown path is a problem of its own`(path: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get(path, as: nil)

            #expect(answer.status == .notFound)
            #expect(answer.kind == "not-found")
            #expect(answer.string("/detail")?.contains("/openapi.json") == true)
        }
    }

    @Test func `another method than those of a path is told which they are`() async throws {
        try await TestAPI.run { api in
            let objects = try await api.send(.delete, "/v1/checks")
            let object = try await api.send(.post, "/v1/checks/mail", as: nil)
            let page = try await api.send(.post, "/docs", as: nil)

            #expect(objects.status == .methodNotAllowed)
            #expect(objects.headers[.allow] == "GET, HEAD, POST, OPTIONS")
            #expect(object.headers[.allow] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
            #expect(page.status == .methodNotAllowed)
            #expect(page.headers[.allow] == "GET, HEAD, OPTIONS")
        }
    }

    @Test func `OPTIONS says which methods a path takes, and needs no key`() async throws {
        try await TestAPI.run { api in
            let objects = try await api.send(.options, "/v1/checks", as: nil)
            let object = try await api.send(.options, "/v1/policies/acme-www", as: nil)
            let nothing = try await api.send(.options, "/v1/cheks", as: nil)

            #expect(objects.status == .noContent)
            #expect(objects.headers[.allow] == "GET, HEAD, POST, OPTIONS")
            #expect(object.headers[.allow] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
            #expect(nothing.status == .notFound)
        }
    }

    @Test func `a compressed body is refused`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.post(
                "/v1/checks", Samples.tcpCheck("mail"), headers: [.contentEncoding: "gzip"])

            #expect(answer.status == .unsupportedMediaType)
            #expect(answer.headers[.acceptEncoding] == "identity")
        }
    }

    @Test func `HEAD answers like GET, without the body`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))

            let get = try await api.get("/v1/checks/mail")
            let head = try await api.send(.head, "/v1/checks/mail")

            #expect(head.status == .ok)
            #expect(head.headers[.eTag] == get.headers[.eTag])
            #expect(head.headers[.contentLength] == get.headers[.contentLength])
            #expect(head.text.isEmpty)
        }
    }

    @Test func `what is not JSON is told with its line and column`() async throws {
        try await TestAPI.run { api in
            let json = try await api.post("/v1/checks", "{\"name\": \"a\",\n  oops}")
            let yaml = try await api.post(
                "/v1/apply", "format: 1\nchecks: [\n", type: "application/yaml")
            let empty = try await api.post("/v1/checks", "")
            let list = try await api.post("/v1/checks", "[]")

            #expect(json.status == .badRequest)
            #expect(json.kind == "malformed")
            #expect(json.integer("/errors/0/line") == 2)
            #expect(json.integer("/errors/0/column") == 3)
            #expect(yaml.status == .badRequest)
            #expect(yaml.integer("/errors/0/line") != nil)
            #expect(empty.status == .badRequest)
            #expect(list.status == .unprocessableContent)
        }
    }

    @Test func `a key that is written twice is refused`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.post(
                "/v1/checks", #"{"name": "a", "name": "b", "type": "tcp"}"#)

            #expect([400, 422].contains(answer.status.code))
            #expect(answer.text.contains("name"))
        }
    }

    @Test func `a type that is not read is refused with those that are`() async throws {
        try await TestAPI.run { api in
            let form = try await api.post(
                "/v1/checks", "a=b", type: "application/x-www-form-urlencoded")
            let untyped = try await api.post("/v1/checks", Samples.tcpCheck("mail"), type: nil)

            #expect(form.status == .unsupportedMediaType)
            #expect(form.headers[.accept] == "application/json, application/yaml")
            #expect(untyped.status == .created)
        }
    }

    @Test func `a type that is not written is refused`() async throws {
        try await TestAPI.run { api in
            let xml = try await api.get("/v1/checks", headers: [.accept: "application/xml"])
            let excluded = try await api.get(
                "/v1/checks", headers: [.accept: "application/json;q=0, */*;q=0"])
            let browser = try await api.get(
                "/v1/checks", headers: [.accept: "text/html, application/*;q=0.9, */*;q=0.8"])

            #expect(xml.status == .notAcceptable)
            #expect(excluded.status == .notAcceptable)
            #expect(browser.status == .ok)
        }
    }

    @Test func `a body that is too long is refused`() async throws {
        let settings = APISettings(bodyLimit: 1000, documentLimit: 2000)
        try await TestAPI.run(settings: settings) { api in
            let long = #"{"description": "\#(String(repeating: "x", count: 1000))"}"#
            let longer = long + String(repeating: " ", count: 1000)

            let object = try await api.post("/v1/checks", long)
            let document = try await api.post("/v1/apply", long)
            let longDocument = try await api.post("/v1/apply", longer)

            #expect(object.status == .contentTooLarge)
            #expect(object.kind == "too-large")
            #expect(document.status == .unprocessableContent)
            #expect(longDocument.status == .contentTooLarge)
        }
    }

    @Test func `requests keep their id, or get one`() async throws {
        try await TestAPI.run { api in
            let own = try await api.get("/v1/nothing", headers: [.requestID: "build-17.a"])
            let none = try await api.get("/livez", as: nil)
            let odd = try await api.get("/livez", as: nil, headers: [.requestID: "a b{c}"])
            let key = try await api.get(
                "/livez", as: nil, headers: [.requestID: api.keys[.admin] ?? ""])

            #expect(own.headers[.requestID] == "build-17.a")
            #expect(own.string("/request_id") == "build-17.a")
            #expect(api.log.joined.contains("build-17.a"))
            for answer in [none, odd, key] {
                #expect(answer.headers[.requestID]?.utf8.count == 16)
            }
        }
    }

    @Test func `a key sent where none belongs does not come back`() async throws {
        try await TestAPI.run { api in
            let key = api.keys[.admin] ?? ""

            // The harness looks for the secret in each answer and in the log.
            let query = try await api.get("/v1/checks?\(key)=1")
            let value = try await api.get("/v1/checks?health=\(key)")
            let path = try await api.get("/v1/checks/\(key)")
            let body = try await api.post(
                "/v1/keys", #"{"name": "\#(key)", "role": "\#(key)", "\#(key)": 1}"#)

            #expect(query.status == .badRequest)
            #expect(value.status == .badRequest)
            #expect([400, 404].contains(path.status.code))
            #expect(body.status == .unprocessableContent)
        }
    }

    @Test func `storage that is away is told, and life goes on`() async throws {
        let storage = MemoryStorage(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_800_000_000)))
        let (key, text) = KeyMint.mint(role: .admin, name: "a", now: storage.shared.clock.now)
        try await storage.insertKey(key)
        let away = AbsentStorage(process: 1)
        try await TestAPI.run(
            storage: storage, apiStorage: away, keys: [.admin: text], settings: APISettings()
        ) { api in
            let alive = try await api.get("/livez", as: nil)
            let ready = try await api.get("/readyz", as: nil)
            let route = try await api.get("/v1/routes/acme-www", as: .admin)

            #expect(alive.status == .ok)
            for answer in [ready, route] {
                #expect(answer.status == .serviceUnavailable)
                #expect(answer.kind == "unavailable")
                #expect(answer.headers[.retryAfter] == "1")
                // What the storage said may name its host and user.
                #expect(!answer.text.contains("db.example.com"))
            }
            #expect(api.log.joined.contains("db.example.com"))
        }
    }

    @Test func `who is ready says what it is ready with`() async throws {
        try await TestAPI.run { api in
            let plain = try await api.get("/readyz", as: nil)
            let verbose = try await api.get("/readyz?verbose", as: nil)

            #expect(plain.text == #"{"status":"ready"}"#)
            #expect(verbose.string("/storage/status") == "ready")
        }
    }

    @Test func `the root shows programs the way, and people the status page`() async throws {
        try await TestAPI.run { api in
            let program = try await api.get("/", as: nil)
            let person = try await api.get(
                "/", as: nil, headers: [.accept: "text/html,application/xhtml+xml,*/*;q=0.8"])

            #expect(program.string("/docs") == "/docs")
            #expect(program.string("/version") == "1.2.3")
            #expect(person.status == .seeOther)
            #expect(person.headers[.location] == "/sign-in")
        }
    }
}
