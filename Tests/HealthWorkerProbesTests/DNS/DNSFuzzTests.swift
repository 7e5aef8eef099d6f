import FoundationEssentials
import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import Testing

/// `scripts/fuzz-dns` runs it longer and with other seeds.
@Suite struct DNSFuzzTests {
    private static func setting(_ name: String, default fallback: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? fallback
    }

    @Test func `no message, however damaged, stops the reader or makes it invent an address`()
        throws
    {
        let inputs = Self.setting("HEALTH_WORKER_TEST_FUZZ_INPUTS", default: 30_000)
        let seed = Self.setting("HEALTH_WORKER_TEST_FUZZ_SEED", default: 1)
        var mutator = try MessageMutator(seed: UInt64(bitPattern: Int64(seed)))
        let name = try DomainName("www.example.com")
        let questions = [RecordType.a, .aaaa].map { Question(name: name, type: $0) }
        var accepted = 0
        var refused: [DNSReplyError: Int] = [:]
        var meanings: [String: Int] = [:]
        var slowest = Duration.zero
        let start = ContinuousClock.now

        for number in 0..<inputs {
            let bytes = mutator.next()
            let begin = ContinuousClock.now
            do throws(DNSReplyError) {
                let reply = try DNSReply(bytes)
                accepted += 1
                // A record takes 11 bytes at least, whatever the counts say.
                if (reply.answers.count + reply.authority.count) * 11 > bytes.count {
                    Issue.record("more records than bytes in input \(number): \(bytes)")
                }
                for question in questions {
                    let meaning = reply.meaning(for: question)
                    meanings[Self.label(of: meaning), default: 0] += 1
                    if let invented = Self.invented(meaning, in: bytes) {
                        Issue.record("\(invented) is not in input \(number): \(bytes)")
                    }
                }
            } catch {
                refused[error, default: 0] += 1
            }
            slowest = max(slowest, begin.duration(to: .now))
        }

        let seconds = start.duration(to: .now) / .seconds(1)
        print(
            """
            fuzz-dns: \(inputs) inputs, seed \(seed), \(seconds) s, slowest input \(slowest)
              accepted \(accepted)
            """)
        for error in DNSReplyError.allCases {
            print("  refused as \(error.rawValue): \(refused[error] ?? 0)")
        }
        for (label, count) in meanings.sorted(by: { $0.key < $1.key }) {
            print("  meant \(label): \(count)")
        }
        #expect(accepted + refused.values.reduce(0, +) == inputs)
        // Else the damage does not reach every branch.
        #expect(accepted > inputs / 100)
        #expect(Set(refused.keys) == Set(DNSReplyError.allCases))
        #expect(meanings.count == 6)
    }

    private static func label(of meaning: ReplyMeaning) -> String {
        switch meaning {
        case .answer(.addresses, _): "addresses"
        case .answer(.alias, _): "alias"
        case .answer(.nothing, _): "nothing"
        case .truncated: "truncated"
        case .notUnderstood: "not understood"
        case .trouble: "trouble"
        }
    }

    /// An address that the meaning has and the message has not.
    private static func invented(_ meaning: ReplyMeaning, in bytes: [UInt8]) -> IPAddress? {
        guard case .answer(.addresses(let addresses), _) = meaning else { return nil }
        // Two of them: the rest is read alike, and looking for hundreds takes its time.
        return [addresses.first, addresses.last].compactMap(\.self).first { address in
            switch address {
            case .v4(let number): !bytes.contains(WrittenRecord.bytes(number))
            case .v6(let groups):
                !bytes.contains(groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] })
            }
        }
    }

    @Test func `no file, however damaged, stops its reader`() throws {
        let words = [
            "nameserver", "search", "options", "domain", "127.0.0.1", "[::1]:53", "fe80::1%eth0",
            "a..b",
            "ndots:", "timeout:99999999999999999999", "attempts:-1", "rotate", "#", ";", "\n", "\t",
            " ",
            "\u{0}", "ü", "\r\n", ":", "%", "[", "]", String(repeating: "x.", count: 200),
        ]
        var mutator = try MessageMutator(seed: 7)
        for _ in 0..<3000 {
            let picked = mutator.next().prefix(40).map { words[Int($0) % words.count] }
            let text = picked.joined(separator: picked.count % 2 == 0 ? " " : "")

            let configuration = ResolverConfiguration(text, hostName: text)
            let hosts = HostsFile(text)

            #expect((1...3).contains(configuration.servers.count))
            #expect((0...15).contains(configuration.dots))
            #expect((1...5).contains(configuration.attempts))
            #expect((TimeAmount.seconds(1) ... .seconds(30)).contains(configuration.timeout))
            #expect(hosts.addresses(of: try DomainName("no.such.name"), family: .any).isEmpty)
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        guard count >= part.count else { return false }
        return (0...(count - part.count)).contains {
            self[$0..<($0 + part.count)].elementsEqual(part)
        }
    }
}
