import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOCore
import Testing

/// Calls that are no probes, and whose target others name.
@Suite struct AdmittedAddressTests {
    private func admitted(_ host: String, rules: AddressRules = AddressRules()) async throws
        -> [IPAddress]
    {
        let probers = Probers(
            resolver: SystemResolver(threads: 1), addressRules: rules, secrets: { _ in nil },
            logger: Logger(label: "test"))
        let result: Result<[IPAddress], AddressError>
        do throws(AddressError) {
            result = .success(
                try await probers.admittedAddresses(of: host, port: 80, within: .seconds(60)))
        } catch {
            result = .failure(error)
        }
        await probers.shutdown()
        return try result.get()
    }

    @Test func `an address that is admitted is the one to call`() async throws {
        #expect(try await admitted("127.0.0.1") == [.v4(0x7f00_0001)])
        #expect(try await admitted("localhost").first == .v4(0x7f00_0001))
    }

    @Test(arguments: ["169.254.169.254", "::ffff:169.254.169.254", "224.0.0.1", "fe80::1"])
    func `what may not be probed may not be called`(host: String) async throws {
        let error = await #expect(throws: AddressError.self) { try await admitted(host) }

        #expect(error?.description.contains("may not be called") == true)
    }

    @Test func `the rule is asked of what a name leads to`() async throws {
        let rules = AddressRules(deny: [try Network("127.0.0.0/8"), try Network("::1/128")])

        let error = await #expect(throws: AddressError.self) {
            try await admitted("localhost", rules: rules)
        }

        #expect(error?.description.contains("127.0.0.1:80") == true)
    }

    @Test func `a name without an address is told`() async throws {
        await #expect(throws: AddressError.unresolved("nowhere.invalid")) {
            try await admitted("nowhere.invalid")
        }
    }
}
