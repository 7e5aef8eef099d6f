import Glibc
import HealthWorkerModel
import HealthWorkerProbes

// The probe engine alone, for `scripts/bench probes`, which measures it from outside. It says `ready`,
// works until standard input ends, and then says what it saw in one line.
//
//   ProbeBench pace PORT RATE MILLISECONDS   probes RATE times a second; all that is due is started
//                                            every MILLISECONDS, as a worker starts what it claims
//   ProbeBench hold PORT COUNT               at the first line of input, COUNT probes at once
//   ProbeBench lag PORT good|blackhole       1,000 checks by name each second; beside them one whose
//                                            name servers never answer

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 3, let port = Int(arguments[1]) else {
    refuse()
}

let bench: Task<String, Never>
switch (arguments[0], arguments.dropFirst(2).map { Int($0) }) {
case ("pace", let numbers) where numbers.count == 2 && !numbers.contains(nil):
    let pace = Pace(port: port, rate: numbers[0]!, every: .milliseconds(numbers[1]!))
    bench = Task.detached { await pace.run() }
case ("hold", let numbers) where numbers.count == 1 && !numbers.contains(nil):
    let hold = Hold(port: port, count: numbers[0]!)
    await hold.warm()
    say("ready")
    guard readLine() != nil else { exit(0) }
    bench = Task.detached { await hold.run() }
case ("lag", _):
    let lag = Lag(port: port, hasBlackHole: arguments[2] == "blackhole")
    bench = Task.detached { await lag.run() }
default:
    refuse()
}
if arguments[0] != "hold" { say("ready") }
// This is the main thread, which the probes do not need.
while readLine() != nil {}
bench.cancel()
say(await bench.value)

func say(_ line: String) {
    print(line)
    fflush(nil)
}

func refuse() -> Never {
    say("ProbeBench pace PORT RATE MILLISECONDS | hold PORT COUNT | lag PORT good|blackhole")
    exit(64)
}
