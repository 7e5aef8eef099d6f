// swift-tools-version: 6.2

import PackageDescription

/// Whether the driver for MySQL and MariaDB is built, which needs libmariadb-dev: `WITH_MYSQL=1 swift
/// build`; the tests do so.
///
/// A package trait cannot leave a target out: `swift build` builds every target of the package, and
/// the conditions of traits are on dependencies alone. It also is a flag to the compiler for each
/// module of the package, so that every change of it builds all of them again. This variable leaves
/// out what needs the library, and changes the one module that picks the driver.
let hasMySQL = Context.environment["WITH_MYSQL"] == "1"

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func sources(
    _ name: String, path: String? = nil, _ dependencies: [Target.Dependency]
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], _ flags: [SwiftSetting] = [],
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict + flags)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(
    name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(
    name: "HummingbirdTesting", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioFoundationCompat = Target.Dependency.product(
    name: "NIOFoundationCompat", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(
    name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let tomlKit = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let unixSignals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let mySQLFlag: [SwiftSetting] = hasMySQL ? [.define("MySQL")] : []
let mySQLDriver: [Target.Dependency] = hasMySQL ? ["HealthWorkerMySQL"] : []

let package = Package(
    name: "health-worker",
    products: [
        .executable(name: "health-worker", targets: ["HealthWorker"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // The rules.
        sources("HealthWorkerModel", []),
        sources("HealthWorkerPatterns", ["CPCRE2"]),
        sources("HealthWorkerDocument", ["HealthWorkerModel", "HealthWorkerPatterns", yams]),

        // What is kept.
        .target(
            name: "Migrations", path: "Migrations", exclude: ["MySQL", "PostgreSQL", "SQLite"]),
        sources("HealthWorkerStorage", ["HealthWorkerModel", "Migrations", logging, metrics]),
        sources(
            "HealthWorkerSQLite",
            ["HealthWorkerModel", "HealthWorkerStorage", logging, grdb]),
        sources(
            "HealthWorkerPostgreSQL",
            ["HealthWorkerModel", "HealthWorkerStorage", "CPostgreSQL", logging]),
        sources(
            "HealthWorkerCounters",
            ["HealthWorkerModel", "HealthWorkerStorage", "CHiredis", logging, metrics]),

        // What acts.
        sources(
            "HealthWorkerProbes",
            [
                "HealthWorkerModel", "HealthWorkerPatterns", "CEpoll", "CZlib", nioCore, nioPosix,
                nioHTTP1,
                nioSSL, nioTLS, logging, metrics,
            ]),
        sources(
            "HealthWorkerQueue",
            ["HealthWorkerModel", "HealthWorkerStorage", lifecycle, logging, metrics]),
        sources(
            "HealthWorkerSecrets",
            ["HealthWorkerModel", "HealthWorkerStorage", crypto, lifecycle, logging]),
        sources("HealthWorkerTelling", ["HealthWorkerModel"]),
        sources(
            "HealthWorkerPages", ["HealthWorkerModel", "HealthWorkerTelling", "CPages"]),
        sources(
            "HealthWorkerRouting",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerSettings",
                asyncHTTPClient, crypto, nioCore, nioHTTP1, nioPosix, lifecycle, logging, metrics,
            ]),
        sources(
            "HealthWorkerAPI",
            [
                "HealthWorkerModel", "HealthWorkerDocument", "HealthWorkerStorage",
                "HealthWorkerSecrets", "HealthWorkerTelling", "HealthWorkerPages", "CSwaggerUI",
                hummingbird, hummingbirdCore, httpTypes, nioCore, nioHTTP1, nioHTTPTypes,
                nioHTTPTypesHTTP1, nioPosix, crypto, lifecycle, logging, metrics,
            ]),

        // What is shown, and what is set.
        sources(
            "HealthWorkerMetrics",
            ["HealthWorkerModel", "HealthWorkerStorage", metrics, coreMetrics, logging]),
        sources("HealthWorkerSettings", ["HealthWorkerModel", tomlKit]),

        // The program.
        .executableTarget(
            name: "HealthWorker",
            dependencies: [
                "HealthWorkerModel", "HealthWorkerDocument", "HealthWorkerStorage",
                "HealthWorkerPostgreSQL", "HealthWorkerSQLite", "HealthWorkerCounters",
                "HealthWorkerProbes", "HealthWorkerQueue", "HealthWorkerSecrets",
                "HealthWorkerRouting", "HealthWorkerAPI", "HealthWorkerMetrics",
                "HealthWorkerTelling", "HealthWorkerPages",
                "HealthWorkerSettings", "HealthWorkerPatterns", "Migrations", argumentParser,
                asyncHTTPClient,
                hummingbird, nioCore, nioFoundationCompat, nioHTTP1, nioPosix, lifecycle,
                unixSignals, logging, metrics,
            ] + mySQLDriver,
            swiftSettings: strict + mySQLFlag),

        // C.
        .systemLibrary(name: "CEpoll"),  // of the C library, which Swift's Glibc leaves out
        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // Its pkg-config file holds a flag that SwiftPM prohibits, with a warning at every build.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "CSwaggerUI", exclude: ["assets"]),  // embedded by the C file
        .target(name: "CPages", exclude: ["assets"]),

        // Tests.
        sources(
            "StorageConformance", path: "Tests/StorageConformance",
            ["HealthWorkerModel", "HealthWorkerStorage"]),
        sources(
            "CountsConformance", path: "Tests/CountsConformance", ["HealthWorkerModel"]),
        sources(
            "TestServers", path: "Tests/TestServers",
            ["FreePorts", asyncHTTPClient, nioCore, nioHTTP1]),
        sources("FreePorts", path: "Tests/FreePorts", []),
        // Not of the program: what scripts/bench measures it with.
        .executableTarget(
            name: "QueueBench",
            dependencies: [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerPostgreSQL",
                "HealthWorkerSQLite", "HealthWorkerCounters", "HealthWorkerQueue",
                "HealthWorkerMetrics", "StorageConformance", argumentParser, lifecycle, logging,
                metrics, coreMetrics,
            ] + mySQLDriver,
            path: "Tests/QueueBench", swiftSettings: strict + mySQLFlag),
        .executableTarget(
            name: "HelloBench", dependencies: [hummingbird, logging], path: "Tests/HelloBench",
            swiftSettings: strict),
        tests("HealthWorkerModelTests", ["HealthWorkerModel"]),
        tests("HealthWorkerPatternsTests", ["HealthWorkerPatterns"]),
        tests("HealthWorkerDocumentTests", ["HealthWorkerModel", "HealthWorkerDocument"]),
        tests(
            "HealthWorkerStorageTests",
            ["HealthWorkerModel", "HealthWorkerStorage", "StorageConformance", logging]),
        tests(
            "HealthWorkerSQLiteTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerSQLite",
                "StorageConformance", "Migrations", logging, grdb,
            ]),
        tests(
            "HealthWorkerPostgreSQLTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerPostgreSQL",
                "StorageConformance", "CPostgreSQL", logging,
            ]),
        tests(
            "HealthWorkerCountersTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerCounters",
                "HealthWorkerQueue", "CountsConformance", logging,
            ]),
        tests(
            "HealthWorkerProbesTests",
            [
                "HealthWorkerModel", "HealthWorkerProbes", "FreePorts", "CZlib", nioCore, nioPosix,
                nioHTTP1, nioSSL, nioTLS, logging,
            ]),
        .executableTarget(
            name: "ProbeBench",
            dependencies: ["HealthWorkerModel", "HealthWorkerProbes", logging],
            path: "Tests/ProbeBench", swiftSettings: strict),
        tests(
            "HealthWorkerQueueTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerQueue",
                "StorageConformance", logging,
            ]),
        tests(
            "HealthWorkerSecretsTests",
            ["HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerSecrets", logging]),
        tests(
            "HealthWorkerRoutingTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerSettings",
                "HealthWorkerRouting", "StorageConformance", "TestServers", asyncHTTPClient,
                logging,
            ]),
        tests(
            "HealthWorkerAPITests",
            [
                "HealthWorkerModel", "HealthWorkerDocument", "HealthWorkerStorage",
                "HealthWorkerSecrets", "HealthWorkerAPI", "StorageConformance", asyncHTTPClient,
                hummingbird, hummingbirdTesting, httpTypes, lifecycle, nioCore, nioHTTP1, nioPosix,
                logging,
            ], exclude: ["openapi.json"]),
        tests(
            "HealthWorkerPagesTests",
            ["HealthWorkerModel", "HealthWorkerPages", "HealthWorkerTelling"]),
        tests(
            "HealthWorkerMetricsTests",
            [
                "HealthWorkerMetrics", "HealthWorkerModel", "HealthWorkerStorage", metrics,
                coreMetrics, logging,
            ]),
        tests("HealthWorkerSettingsTests", ["HealthWorkerModel", "HealthWorkerSettings"]),
        tests(
            "EndToEndTests",
            [
                "HealthWorkerModel", "CountsConformance", "TestServers", "FreePorts",
                asyncHTTPClient,
                nioCore, nioFoundationCompat, nioHTTP1, nioPosix,
            ], mySQLFlag),
    ],
    swiftLanguageModes: [.v6]
)

if hasMySQL {
    package.targets += [
        sources(
            "HealthWorkerMySQL", ["HealthWorkerModel", "HealthWorkerStorage", "CMySQL", logging]),
        .systemLibrary(
            name: "CMySQL", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        tests(
            "HealthWorkerMySQLTests",
            [
                "HealthWorkerModel", "HealthWorkerStorage", "HealthWorkerMySQL",
                "StorageConformance", "TestServers", "CMySQL", logging,
            ]),
    ]
}
