import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct BacktestsTests {
    @Test func `what is kept is looked at as it is and as it is tried`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/checks",
                #"{"name": "web", "type": "tcp", "target": {"host": "192.0.2.1", "port": 80}, "interval": "30s"}"#
            )
            try await api.probe("web", .success, times: 3)
            try await api.probe("web", .failure(.connectRefused))
            try await api.probe("web", .success, times: 3)

            let tried = try await api.post(
                "/v1/checks/web/backtest", #"{"fall": 1, "rise": 1}"#, as: .read)
            let asIs = try await api.post("/v1/checks/web/backtest", "", as: .read)
            let recent = try await api.post("/v1/checks/web/backtest", #"{"since": "1m"}"#)

            #expect(tried.status == .ok)
            #expect(tried.integer("/outcomes") == 7)
            #expect(tried["/complete"]?.bool == true)
            #expect(tried.integer("/as_it_is/fall") == 3)
            #expect(tried.integer("/tried/fall") == 1)
            #expect(tried.integer("/tried/times_unhealthy") == 1)
            #expect(tried.string("/tried/spells/0/reason") == "connect_refused")
            #expect(tried.number("/tried/unhealthy_seconds") == 30)
            // Re-checked every 6 s meanwhile, it would have been asked five times.
            #expect(asIs.integer("/tried/times_unhealthy") == 1)
            #expect(asIs.integer("/as_it_is/times_unhealthy") == 1)
            #expect(
                asIs.number("/tried/unhealthy_seconds")
                    == asIs.number("/as_it_is/unhealthy_seconds"))
            #expect(recent.integer("/outcomes") ?? 7 < 7)
        }
    }

    @Test func `what cannot be tried is refused by name`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check)

            let nobody = try await api.post("/v1/checks/nobody/backtest", "{}")
            let never = try await api.post("/v1/checks/shop-login/backtest", #"{"fall": 0}"#)
            let fast = try await api.post(
                "/v1/checks/shop-login/backtest", #"{"interval": "5s", "fast_interval": "9s"}"#)
            let empty = try await api.post("/v1/checks/shop-login/backtest", "{}")

            #expect(nobody.status == .notFound)
            #expect(never.places == ["/fall"])
            #expect(fast.status == .unprocessableContent)
            #expect(fast.places == ["/fast_interval"])
            #expect(empty["/from"] == nil)
            #expect(empty.number("/tried/known_seconds") == 0)
        }
    }
}
