import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct LoopTimersTests {
    @Test
    func `timers come out in the order of their deadlines, without those that were taken out`() {
        var timers = LoopTimers()
        var waiting: [LoopTimer] = []
        var now: Int64 = 0
        var generator = SystemRandomNumberGenerator()

        for _ in 0..<20_000 {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                let timer = LoopTimer(at: .uptimeNanoseconds(UInt64(now) + .random(in: 0..<1000))) {
                } fail: { _ in
                }
                timers.insert(timer)
                waiting.append(timer)
            case 2:
                guard let timer = waiting.randomElement() else { continue }
                timers.remove(timer)
                // A second time it is not there.
                timers.remove(timer)
                waiting.removeAll { $0 === timer }
            default:
                now += 100
                let time = NIODeadline.uptimeNanoseconds(UInt64(now))
                var last = NIODeadline.distantPast
                while let timer = timers.pop(dueBy: time) {
                    #expect(timer.deadline >= last)
                    last = timer.deadline
                    waiting.removeAll { $0 === timer }
                }
                #expect(waiting.allSatisfy { $0.deadline > time })
            }
            #expect(timers.next == waiting.map(\.deadline).min())
        }
    }
}
