import HealthWorkerStorage
import Synchronization
import Testing

/// The pool alone, with connections to nowhere.
@Suite struct ConnectionPoolTests {
    final class Wire: LentConnection {
        let number: Int
        private let state = Mutex((isUsable: true, isClosed: false))

        init(_ number: Int) {
            self.number = number
        }

        var isUsable: Bool { state.withLock { $0.isUsable } }
        var isClosed: Bool { state.withLock { $0.isClosed } }

        func cut() {
            state.withLock { $0.isUsable = false }
        }

        func close() async {
            state.withLock { $0.isClosed = true }
        }
    }

    /// Makes connections and remembers them; says no while there is an error.
    final class Exchange: Sendable {
        private let state = Mutex((made: [Wire](), attempts: 0, error: StorageError?.none))

        var made: [Wire] { state.withLock { $0.made } }
        var attempts: Int { state.withLock { $0.attempts } }

        func refuse(_ error: StorageError?) {
            state.withLock { $0.error = error }
        }

        func connect() throws(StorageError) -> Wire {
            let result: Result<Wire, StorageError> = state.withLock { state in
                state.attempts += 1
                if let error = state.error { return .failure(error) }
                let wire = Wire(state.made.count + 1)
                state.made.append(wire)
                return .success(wire)
            }
            return try result.get()
        }

        func pool(size: Int) -> ConnectionPool<Wire> {
            ConnectionPool(size: size) { () throws(StorageError) in try self.connect() }
        }
    }

    @Test func `a connection is lent again, and only made when it is needed`() async throws {
        let exchange = Exchange()
        let pool = exchange.pool(size: 4)
        #expect(exchange.attempts == 0)

        var numbers: [Int] = []
        for _ in 0..<3 { numbers.append(try await pool.withConnection { $0.number }) }

        #expect(numbers == [1, 1, 1])
        await pool.close()
        #expect(exchange.made.map(\.isClosed) == [true])
    }

    @Test func `callers get their turn in the order in which they came`() async throws {
        let pool = Exchange().pool(size: 1)
        let (order, ended) = AsyncStream.makeStream(of: Int.self)

        try await pool.withConnection { _ throws(StorageError) in
            for number in 0..<20 {
                Task {
                    try await pool.withConnection { _ throws(StorageError) in
                        _ = ended.yield(number)
                    }
                }
                while pool.waitingCalls == number { await Task.yield() }
            }
        }
        await pool.close()
        ended.finish()

        #expect(await order.reduce(into: []) { $0.append($1) } == Array(0..<20))
    }

    @Test func `a broken connection is dropped and the next call makes another`() async throws {
        let exchange = Exchange()
        let pool = exchange.pool(size: 1)

        await #expect(throws: StorageError.self) {
            try await pool.withConnection { wire throws(StorageError) in
                wire.cut()
                throw .unavailable("cut")
            }
        }
        let afterUse = try await pool.withConnection { $0.number }
        exchange.made[1].cut()
        let afterIdling = try await pool.withConnection { $0.number }

        #expect(afterUse == 2)
        #expect(afterIdling == 3)
        #expect(exchange.made.map(\.isClosed) == [true, true, false])
        await pool.close()
    }

    @Test func `a server that is away is not asked by every call`() async throws {
        let exchange = Exchange()
        let pool = exchange.pool(size: 2)
        exchange.refuse(.unavailable("away"))

        for _ in 0..<50 {
            let error = await #expect(throws: StorageError.self) {
                try await pool.withConnection { $0.number }
            }
            #expect(error == .unavailable("away"))
        }

        #expect(exchange.attempts < 25)
        exchange.refuse(nil)
        var number: Int?
        while number == nil { number = try? await pool.withConnection { $0.number } }
        #expect(number == 1)
        await pool.close()
    }

    @Test func `a pool that closes lets the calls end that it has begun`() async throws {
        let exchange = Exchange()
        let pool = exchange.pool(size: 1)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)

        async let call: Int = pool.withConnection { wire throws(StorageError) in
            begin.yield()
            for await _ in ended { break }
            return wire.isClosed ? -1 : wire.number
        }
        for await _ in begun { break }
        async let closing: Void = pool.close()
        end.yield()

        #expect(try await call == 1)
        await closing
        #expect(exchange.made.map(\.isClosed) == [true])
        let error = await #expect(throws: StorageError.self) {
            try await pool.withConnection { $0.number }
        }
        #expect(error == .unavailable("The storage is closed."))
    }
}
