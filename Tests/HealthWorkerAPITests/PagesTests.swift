import Foundation
import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

/// The status page as a browser sees it, without its script.
@Suite struct PagesTests {
    private static let shown = [
        "/", "/policies", "/policies/acme-www", "/checks", "/checks?health=healthy",
        "/checks/acme-www.fra1", "/overrides", "/changes", "/changes?type=edit", "/fleet",
    ]

    // MARK: - Signing in

    @Test func `who has not signed in is sent to do so, and comes back to the page`() async throws {
        try await TestAPI.run { api in
            let page = try await api.look("/policies/acme-www?x=1", cookie: nil)
            let home = try await api.look("/", cookie: nil)
            let form = try await api.look(
                "/sign-in?next=%2Fchecks%3Fhealth%3Dunhealthy", cookie: nil)
            let evil = try await api.look("/sign-in?next=%2F%2Fevil.example", cookie: nil)
            let signedIn = try await api.submit(
                "/sign-in", ["key": api.keys[.read] ?? "", "next": "/checks?health=unhealthy"])

            #expect(page.status == .seeOther)
            #expect(
                page.headers[.location]
                    == "/sign-in?next=%2Fpolicies%2Facme-www%3Fx%3D1")
            #expect(home.headers[.location] == "/sign-in")
            #expect(form.text.contains("value=\"/checks?health=unhealthy\""))
            #expect(evil.text.contains("name=\"next\" value=\"/\""))
            #expect(signedIn.status == .seeOther)
            #expect(signedIn.headers[.location] == "/checks?health=unhealthy")
        }
    }

    @Test func `a session shows every page, and its cookie holds no key`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            try await api.probe("acme-www.fra1", .success)
            let answer = try await api.submit("/sign-in", ["key": api.keys[.read] ?? ""])
            let cookie = try #require(answer.headers[.setCookie])

            #expect(cookie.contains("; HttpOnly; SameSite=Strict"))
            #expect(cookie.contains("; Path=/; "))
            #expect(!cookie.contains("Secure"))
            for path in Self.shown {
                let page = try await api.look(path, as: .read)
                #expect(page.status == .ok, "\(path): \(page.text)")
                #expect(page.headers[.contentType] == "text/html; charset=utf-8")
                #expect(page.headers[.cacheControl] == "no-store")
                let policy = try #require(page.headers[.contentSecurityPolicy])
                #expect(
                    policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; "))
                #expect(!policy.contains("unsafe"))
                #expect(policy.contains("frame-ancestors 'none'"))
                // With no-referrer browsers send "Origin: null" with our own forms.
                #expect(page.headers[.referrerPolicy] == "same-origin")
                #expect(!page.text.contains(" style="), "\(path)")
                #expect(page.text.components(separatedBy: "<script").count == 2, "\(path)")
            }
        }
    }

    @Test func `a form that came by TLS gets a cookie that goes by TLS only`() async throws {
        try await TestAPI.run { api in
            let key = ["key": api.keys[.read] ?? ""]

            let secure = try await api.submit(
                "/sign-in", key, headers: [.origin: "https://localhost"])
            let plain = try await api.submit(
                "/sign-in", key, headers: [.origin: "http://localhost"])

            #expect(secure.headers[.setCookie]?.hasSuffix("; Secure") == true)
            #expect(plain.status == .seeOther)
            #expect(plain.headers[.setCookie]?.contains("Secure") == false)
        }
    }

    @Test func `the files of the page are there for who has not signed in, and for ever`()
        async throws
    {
        try await TestAPI.run { api in
            let form = try await api.look("/sign-in", cookie: nil)
            let paths = form.text.split(separator: "\"").filter { $0.hasPrefix("/assets/") }
            #expect(paths.count == 3)
            for path in paths {
                let file = try await api.look(String(path), cookie: nil)
                #expect(file.status == .ok)
                #expect(file.headers[.cacheControl]?.contains("immutable") == true)
                #expect(file.body.readableBytes > 100)
            }
        }
    }

    @Test func `a wrong key is refused, and too many of them make the address wait`() async throws {
        let start = ContinuousClock.now
        let settings = APISettings(
            keyMemory: .zero,
            limits: APISettings.Limits(refusedKeysPerMinute: 3, now: { start }))
        try await TestAPI.run(settings: settings) { api in
            var answers: [TestAnswer] = []
            for number in 0..<4 {
                answers.append(try await api.submit("/sign-in", ["key": "hw_guess\(number)_x"]))
            }
            let byHeader = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer hw_guess_x"])
            let right = try await api.submit("/sign-in", ["key": api.keys[.read] ?? ""])

            #expect(answers.prefix(3).allSatisfy { $0.status == .unauthorized })
            #expect(answers[0].text.contains("not known, has expired or was revoked"))
            #expect(!answers[0].text.contains("guess0"))
            #expect(answers[0].headers[.setCookie] == nil)
            #expect(answers[3].status == .tooManyRequests)
            #expect(answers[3].headers[.retryAfter] != nil)
            #expect(byHeader.status == .tooManyRequests)
            #expect(right.status == .seeOther)
        }
    }

    @Test func `a session ends with its key, by signing out, and nobody makes one up`() async throws
    {
        try await TestAPI.run(settings: APISettings(keyMemory: .zero)) { api in
            let cookie = try await api.signIn(.operate)
            let before = try await api.look("/", cookie: cookie)
            let out = try await api.submit("/sign-out", [:], cookie: cookie)
            try await api.storage.revokeKey(id: api.id(of: .operate))
            let after = try await api.look("/", cookie: cookie)
            let sealed = cookie.split(separator: "=", maxSplits: 1)[1]
            let changed = try await api.look(
                "/", cookie: "hw_session=\(sealed.dropLast(6))AAAAA=")

            #expect(before.status == .ok)
            #expect(out.headers[.setCookie]?.hasPrefix("hw_session=; Path=/; Max-Age=0") == true)
            #expect(after.headers[.location] == "/sign-in")
            #expect(changed.headers[.location] == "/sign-in")
        }
    }

    @Test func `a session lasts for twelve hours`() throws {
        let key = SealingKeys.sample
        let day = Date(timeIntervalSince1970: 1_800_000_000)
        let morning = PageSessions(sealing: key, now: { day })
        let cookie = try morning.cookie(for: "hw_a_b", isSecure: true)
        let value = String(cookie.prefix { $0 != ";" })
        func opened(after seconds: TimeInterval) -> String? {
            let later = PageSessions(sealing: key, now: { day.addingTimeInterval(seconds) })
            return later.opened(.page(cookie: value))?.headers[.authorization]
        }

        #expect(cookie.hasSuffix("; Secure"))
        #expect(opened(after: 43_199) == "Bearer hw_a_b")
        #expect(opened(after: 43_200) == nil)
    }

    @Test func `processes with the same sealing keys know each other's sessions`() throws {
        let one = PageSessions(sealing: .sample)
        let other = PageSessions(sealing: .sample)
        let alone = PageSessions(sealing: .none)
        let cookie = try one.cookie(for: "hw_a_b", isSecure: false)
        let request = Request.page(cookie: String(cookie.prefix { $0 != ";" }))
        let own = try alone.cookie(for: "hw_a_b", isSecure: false)
        let ownRequest = Request.page(cookie: String(own.prefix { $0 != ";" }))

        #expect(other.opened(request)?.headers[.authorization] == "Bearer hw_a_b")
        #expect(alone.opened(request) == nil)
        #expect(alone.opened(ownRequest) != nil)
        #expect(PageSessions(sealing: .none).opened(ownRequest) == nil)
    }

    @Test func `a link of another site leads here without a cookie, and is asked for once more`()
        async throws
    {
        try await TestAPI.run { api in
            let first = try await api.look(
                "/policies", cookie: nil, headers: [.secFetchSite: "cross-site"])
            let second = try await api.look(
                "/policies", cookie: nil, headers: [.secFetchSite: "same-origin"])

            #expect(first.status == .ok)
            #expect(first.text.contains("content=\"0; url=/policies\""))
            #expect(second.headers[.location] == "/sign-in?next=%2Fpolicies")
        }
    }

    @Test func `who is known by other means needs no session`() async throws {
        let server = try APIServer(
            storage: MemoryStorage(), authentication: ProxyAuthentication(proxies: ["127.0.0.1"]),
            compiler: Compiler { _ in nil }, settings: APISettings(port: 0),
            logger: Logger(label: "test"))
        try await server.application.test(.live) { client in
            let page = try await client.executeRequest(
                uri: "/", method: .get,
                headers: [.accept: "text/html", HTTPField.Name("X-Forwarded-User")!: "ann"],
                body: nil)

            #expect(page.status == .ok)
            #expect(String(buffer: page.body).contains("user:ann (read)"))
            #expect(!String(buffer: page.body).contains("Sign out"))
        }
    }

    // MARK: - What is shown

    @Test func `what is wrong now comes first`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            try await api.probe("acme-www.fra1", .success)
            try await api.probe("acme-www.ams1", .failure(.connectRefused), times: 3)

            let page = try await api.look("/", as: .read)

            #expect(page.text.contains(" wrong · Health Worker</title>"))
            let wrong = try #require(page.text.range(of: "things are wrong."))
            let tiles = try #require(page.text.range(of: "class=\"tiles\""))
            #expect(wrong.lowerBound < tiles.lowerBound)
            #expect(page.text.contains("no register is running: nothing is probed"))
            #expect(page.text.contains("href=\"/checks/acme-www.ams1\""))
            #expect(page.text.contains("connect_refused, nobody listens"))
        }
    }

    @Test func `of more checks than are read, the stale ones are wrong as well`() async throws {
        try await TestAPI.run { api in
            let checks = (0...1000).map { Samples.tcpCheck("check-\($0)") }.joined(separator: ",")
            let applied = try await api.post(
                "/v1/apply", #"{"format": 1, "set": "shop", "checks": [\#(checks)]}"#)
            api.clock.advance(by: .seconds(600))

            let page = try await api.look("/", as: .read)

            #expect(applied.status == .ok)
            #expect(!page.text.contains("Nothing is wrong."))
            #expect(page.text.contains("And 1001 more <a href=\"/checks\">checks whose health"))
        }
    }

    @Test func `a policy's page says who is in and out, why, and what a loss would do`()
        async throws
    {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            try await api.probe("acme-www.fra1", .success)
            try await api.probe("acme-www.ams1", .success)

            let page = try await api.look("/policies/acme-www", as: .read)

            #expect(page.text.contains("Published: <strong>192.0.2.10</strong> (fra1)."))
            #expect(page.text.contains("healthy, and another tier is published"))
            #expect(page.text.contains("It would get over the loss of any one member by itself."))
            #expect(
                page.text.contains("<strong>198.51.100.10</strong> would be published (failover)"))
            #expect(page.text.contains("It is published to no sink"))
        }
    }

    @Test func `what is not known freshly is not shown as well`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("shop", sites: ["fra1"])
            let fresh = try await api.look("/policies/shop", as: .read)
            api.clock.advance(by: .seconds(600))
            let stale = try await api.look("/policies/shop", as: .read)
            let list = try await api.look("/policies", as: .read)

            #expect(fresh.text.contains("class=\"verdict good\""))
            #expect(!fresh.text.contains("Not fresh"))
            #expect(stale.text.contains("class=\"verdict warn\""))
            #expect(stale.text.contains("Not fresh: the health of fra1 ("))
            #expect(stale.text.contains("</span> stale</span>"))
            #expect(list.text.contains("The health of 1 check is not fresh"))
        }
    }

    @Test func `a policy's page says which sinks are not as they should be`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/policies",
                """
                {"name": "www", "type": "simple", "members": [{"name": "a", "value": "192.0.2.7"}],
                 "publish": [{"sink": "dns", "name": "www.example.com"},
                             {"sink": "hook", "name": "www"}]}
                """)
            let storage = api.storage
            let dns = try #require(
                try await storage.claimDeliveries(
                    to: ["dns"], of: .state, limit: 1, lease: .seconds(30)
                ).first)
            _ = try await storage.acknowledge(dns, memory: nil)
            let waiting = try await api.look("/policies/www", as: .read)
            let hook = try #require(
                try await storage.claimDeliveries(
                    to: ["hook"], of: .event, limit: 1, lease: .seconds(30)
                ).first)
            _ = try await storage.giveUp(hook, error: "410 Gone")
            let place = try #require(
                try await storage.places(at: "dns", after: 0, limit: 1).first)
            try await storage.note(difference: "it is 192.0.2.9", at: place)
            let wrong = try await api.look("/policies/www", as: .read)

            #expect(waiting.text.contains("</span> in sync</span>"))
            #expect(waiting.text.contains("</span> not in sync</span>"))
            #expect(!wrong.text.contains("</span> in sync</span>"))
            #expect(wrong.text.contains("</span> given up</span>"))
            #expect(wrong.text.contains("410 Gone"))
            #expect(wrong.text.contains("</span> holds something else</span>"))
            #expect(wrong.text.contains("it is 192.0.2.9"))
        }
    }

    @Test func `whatever somebody wrote is text on the page`() async throws {
        let nasty = #"<script>alert(1)</script>"'&"#
        let told = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            try await api.probe("acme-www.fra1", .success)
            try await api.probe("acme-www.ams1", .success)
            let order = try JSONEncoder().encode([
                "policy": "acme-www", "member": "fra1", "word": "drain", "for": "1h",
                "reason": nasty,
            ])
            _ = try await api.post("/v1/overrides", String(decoding: order, as: UTF8.self))

            for path in ["/", "/overrides", "/policies/acme-www", "/changes"] {
                let page = try await api.look(path, as: .operate)
                #expect(page.text.contains(told), "\(path)")
                #expect(!page.text.contains("<script>"), "\(path)")
            }
        }
    }

    @Test func `a process that was killed does not work any more`() async throws {
        try await TestAPI.run { api in
            try await api.storage.announce(
                Presence(name: "host/1", roles: [.worker], location: "fra1", version: "1"))
            let before = try await api.look("/fleet", as: .read)
            api.clock.advance(by: .seconds(30))
            let after = try await api.look("/fleet", as: .read)

            #expect(before.text.contains("</span> works</span>"))
            #expect(after.text.contains("host/1"))
            #expect(after.text.contains("</span> lost</span>"))
            #expect(!after.text.contains("</span> works</span>"))
        }
    }

    @Test func `what is not there is said as a page`() async throws {
        try await TestAPI.run { api in
            let policy = try await api.look("/policies/none", as: .read)
            let check = try await api.look("/checks/none", as: .read)
            let selector = try await api.look("/checks?selector=%3D%3D", as: .read)

            for page in [policy, check] {
                #expect(page.status == .notFound)
                #expect(page.headers[.contentType] == "text/html; charset=utf-8")
                #expect(page.headers[.contentSecurityPolicy] != nil)
            }
            #expect(selector.status == .ok)
            #expect(selector.text.contains("class=\"said bad\""))
        }
    }

    // MARK: - Orders

    @Test func `orders are carried out and audited as those of the API`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            try await api.probe("acme-www.fra1", .success)
            try await api.probe("acme-www.ams1", .success)
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))

            let form = try await api.look("/policies/acme-www/override?member=ams1", as: .operate)
            let drained = try await api.submit(
                "/policies/acme-www/override",
                ["member": "fra1", "word": "drain", "end": "1h", "reason": "kernel"], as: .operate)
            let route = try await api.get("/v1/routes/acme-www")
            let refused = try await api.submit(
                "/policies/acme-www/override",
                ["member": "ams1", "word": "down", "end": "1h", "reason": "both"], as: .operate)
            let frozen = try await api.submit(
                "/policies/acme-www/freeze", ["end": "permanent", "reason": "launch"], as: .operate)
            let paused = try await api.submit(
                "/checks/mail/pause", ["message": "moving"], as: .write)
            let list = try await api.get("/v1/overrides")
            let id = try #require(list.integer("/items/0/id"))
            let cleared = try await api.submit("/overrides/\(id)/clear", [:], as: .operate)
            let thawed = try await api.submit("/policies/acme-www/thaw", [:], as: .operate)
            let audit = try await api.get("/v1/audit")

            #expect(form.text.contains("<option value=\"ams1\" selected>"))
            #expect(drained.headers[.location] == "/policies/acme-www?done=override")
            #expect(route.string("/records/0/name") == "ams1")
            #expect(refused.status == .conflict)
            #expect(refused.text.contains("role=\"alert\""))
            #expect(frozen.headers[.location]?.hasSuffix("?done=frozen") == true)
            #expect(paused.headers[.location] == "/checks/mail?done=paused")
            #expect(try await api.get("/v1/checks/mail")["/enabled"]?.bool == false)
            #expect(list.string("/items/0/actor") == api.actor(of: .operate))
            #expect(cleared.status == .seeOther)
            #expect(thawed.status == .seeOther)
            #expect(try await api.get("/v1/overrides")["/items"]?.elements?.isEmpty == true)
            let deeds = (audit["/items"]?.elements ?? []).compactMap { $0["action"]?.text }
            #expect(
                deeds.prefix(5) == [
                    "policy.thawed", "override.cleared", "check.updated", "policy.frozen",
                    "override.set",
                ])
            #expect(audit.string("/items/2/actor") == api.actor(of: .write))
            #expect(audit.string("/items/2/message") == "moving")
        }
    }

    @Test func `an order that was refused is asked for once more as it was written`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.submit(
                "/policies/acme-www/override",
                ["member": "fra1", "word": "drain", "end": "1h", "reason": "kernel"], as: .operate)

            let refused = try await api.submit(
                "/policies/acme-www/override?member=fra1",
                ["member": "ams1", "word": "down", "end": "8h", "reason": "both <now>"],
                as: .operate)
            let glass = try await api.submit(
                "/policies/acme-www/override",
                ["member": "ams1", "word": "down", "end": "8h", "break_glass": "yes"], as: .operate)

            #expect(refused.status == .conflict)
            #expect(refused.text.contains("<option value=\"ams1\" selected>"))
            #expect(!refused.text.contains("<option value=\"fra1\" selected>"))
            #expect(refused.text.contains("value=\"down\" required checked>"))
            #expect(!refused.text.contains("value=\"drain\" required checked>"))
            #expect(refused.text.contains("<option value=\"8h\" selected>"))
            #expect(refused.text.contains("value=\"both &lt;now&gt;\""))
            #expect(!refused.text.contains("value=\"yes\" checked>"))
            #expect(glass.text.contains("role=\"alert\">reason: "))
            #expect(glass.text.contains("value=\"yes\" checked>"))
        }
    }

    @Test func `an order after the end of a session is asked for once more`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let sent = try await api.submit(
                "/policies/acme-www/freeze", ["end": "1h", "reason": "launch"])

            #expect(sent.status == .seeOther)
            #expect(sent.headers[.location] == "/sign-in?next=%2Fpolicies%2Facme-www%2Ffreeze")
            #expect(try await api.get("/v1/policies/acme-www")["/observed/freeze"] == nil)
        }
    }

    @Test func `an order says what it ends, and there is none to what is not there`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.submit(
                "/policies/acme-www/freeze", ["end": "permanent", "reason": "launch"], as: .operate)

            let thaw = try await api.look("/policies/acme-www/thaw", as: .operate)
            let freeze = try await api.look("/policies/acme-www/freeze", as: .operate)
            let pause = try await api.look("/checks/acme-www.fra1/pause", as: .write)

            #expect(thaw.text.contains("Frozen by \(api.actor(of: .operate)) without end: launch"))
            #expect(freeze.text.contains("It takes the place of another: Frozen by"))
            #expect(pause.text.contains("Used by: acme-www."))
            for order in ["override", "freeze", "thaw", "failback", "reattach"] {
                let page = try await api.look("/policies/none/\(order)", as: .operate)
                #expect(page.status == .notFound, "\(order)")
            }
            for order in ["probe", "pause", "enable"] {
                let page = try await api.look("/checks/none/\(order)", as: .write)
                #expect(page.status == .notFound, "\(order)")
            }
        }
    }

    @Test func `a probe that nobody can make is not told as one that is made`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))

            let asked = try await api.submit("/checks/mail/probe", [:], as: .operate)
            let page = try await api.look("/checks/mail?done=unprobed", as: .operate)

            #expect(asked.headers[.location] == "/checks/mail?done=unprobed")
            #expect(page.text.contains("no worker could make it"))
        }
    }

    @Test func `no member is chosen by itself`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let form = try await api.look("/policies/acme-www/override", as: .operate)
            let gone = try await api.look("/policies/acme-www/override?member=gone", as: .operate)
            let nobody = try await api.submit(
                "/policies/acme-www/override", ["word": "drain", "end": "1h", "reason": "x"],
                as: .operate)
            let everybody = try await api.submit(
                "/policies/acme-www/reattach", [:], as: .operate)

            for page in [form, gone] {
                #expect(
                    page.text.contains(
                        "name=\"member\" required><option value=\"\" selected>Choose one</option>"))
                #expect(!page.text.contains("<option value=\"fra1\" selected>"))
            }
            for answer in [nobody, everybody] {
                #expect(answer.status.kind == .clientError)
                #expect(answer.text.contains("role=\"alert\""))
            }
            #expect(try await api.get("/v1/overrides")["/items"]?.elements?.isEmpty == true)
        }
    }

    @Test func `a role that does not allow an order is shown none, and refused`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))

            let policy = try await api.look("/policies/acme-www", as: .read)
            let check = try await api.look("/checks/mail", as: .operate)
            let form = try await api.look("/policies/acme-www/freeze", as: .read)
            let sent = try await api.submit(
                "/policies/acme-www/freeze", ["end": "1h", "reason": "x"], as: .read)
            let paused = try await api.submit("/checks/mail/pause", [:], as: .operate)

            #expect(!policy.text.contains("/policies/acme-www/override"))
            #expect(check.text.contains("/probe"))
            #expect(!check.text.contains("/pause"))
            #expect(form.status == .forbidden)
            #expect(sent.status == .forbidden)
            #expect(paused.status == .forbidden)
            #expect(try await api.get("/v1/policies/acme-www")["/observed/freeze"] == nil)
            #expect(try await api.get("/v1/checks/mail")["/enabled"]?.bool == true)
        }
    }

    @Test func `a key of other sets is shown no order to an object, and refused`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies?set=shop", Samples.policy)
            func cookie(of set: String) async throws -> String {
                let (key, text) = KeyMint.mint(
                    role: .write, name: set, sets: [set], now: api.clock.now)
                try await api.storage.insertKey(key)
                let answer = try await api.submit("/sign-in", ["key": text])
                return String(try #require(answer.headers[.setCookie]).prefix { $0 != ";" })
            }
            let own = try await cookie(of: "shop")
            let other = try await cookie(of: "mail")

            let policies = [
                try await api.look("/policies/acme-www", cookie: own),
                try await api.look("/policies/acme-www", cookie: other),
            ]
            let checks = [
                try await api.look("/checks/acme-www.fra1", cookie: own),
                try await api.look("/checks/acme-www.fra1", cookie: other),
            ]
            let sent = try await api.submit(
                "/policies/acme-www/freeze", ["end": "1h", "reason": "x"], cookie: other)

            #expect(policies.map { $0.text.contains("acme-www/freeze") } == [true, false])
            #expect(checks.map { $0.text.contains("acme-www.fra1/probe") } == [true, false])
            #expect(sent.status == .forbidden)
        }
    }

    @Test(arguments: [
        ["Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"],
        ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "none"],
        ["Origin": "http://evil.example"], ["Origin": "null"], [:],
    ])
    func `a form of another site changes nothing`(headers: [String: String]) async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            let cookie = try await api.signIn(.admin)
            var fields: HTTPFields = [:]
            for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }

            let paused = try await api.submit(
                "/checks/mail/pause", [:], cookie: cookie, headers: fields)
            let signedIn = try await api.submit(
                "/sign-in", ["key": api.keys[.read] ?? ""], headers: fields)

            #expect(paused.status == .forbidden)
            #expect(signedIn.status == .forbidden)
            #expect(signedIn.headers[.setCookie] == nil)
            #expect(try await api.get("/v1/checks/mail")["/enabled"]?.bool == true)
        }
    }

    @Test func `events come with the session alone`() async throws {
        try await TestAPI.run { api in
            let stranger = try await api.look("/live", cookie: nil)
            // A browser that comes back after hours names the last event that came. The page that listens is
            // asked for as a whole then: nothing of what happened meanwhile is read for it.
            let back = try await api.client.executeRequest(
                uri: "/live", method: .head,
                headers: [
                    .cookie: try await api.signIn(.read),
                    .init("Last-Event-ID")!: "7",  // a token, and no id of an event
                ], body: nil)

            #expect(stranger.status == .unauthorized)
            #expect(back.status == .ok)
            #expect(back.headers[.contentType] == "text/event-stream")
        }
    }
}

extension SealingKeys {
    fileprivate static let sample = try! SealingKeys([  // 32 bytes in base 64
        Data(repeating: 7, count: 32).base64EncodedString()
    ])
}

extension Request {
    fileprivate static func page(cookie: String) -> Request {
        Request(
            head: HTTPRequest(
                method: .get, scheme: nil, authority: nil, path: "/",
                headerFields: [.cookie: cookie]),
            body: RequestBody(buffer: ByteBuffer()))
    }
}

extension HTTPField.Name {
    fileprivate static let secFetchSite = Self("Sec-Fetch-Site")!  // a token
    fileprivate static let referrerPolicy = Self("Referrer-Policy")!  // a token
}

extension TestAPI {
    func look(
        _ uri: String, cookie: String?, headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        headers[.accept] = "text/html,application/xhtml+xml,*/*;q=0.8"
        headers[.cookie] = cookie
        return TestAnswer(
            try await client.executeRequest(uri: uri, method: .get, headers: headers, body: nil))
    }

    func look(_ uri: String, as role: KeyRole) async throws -> TestAnswer {
        try await look(uri, cookie: try await signIn(role))
    }

    /// The cookie of a session.
    func signIn(_ role: KeyRole) async throws -> String {
        let answer = try await submit("/sign-in", ["key": keys[role] ?? ""])
        return String(try #require(answer.headers[.setCookie]).prefix { $0 != ";" })
    }

    fileprivate func submit(
        _ uri: String, _ fields: [String: String], as role: KeyRole
    ) async throws -> TestAnswer {
        try await submit(uri, fields, cookie: try await signIn(role))
    }

    /// As a browser sends a form of our own page, unless headers say otherwise.
    fileprivate func submit(
        _ uri: String, _ fields: [String: String], cookie: String? = nil,
        headers: HTTPFields = [.secFetchSite: "same-origin"]
    ) async throws -> TestAnswer {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        headers[.accept] = "text/html"
        headers[.cookie] = cookie
        let body = fields.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }.joined(separator: "&")
        return TestAnswer(
            try await client.executeRequest(
                uri: uri, method: .post, headers: headers, body: ByteBuffer(string: body)))
    }
}
