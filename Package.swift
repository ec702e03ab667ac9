// swift-tools-version: 6.2
import PackageDescription

// The house plan: notebooks-docs/architecture.md. An import goes down a floor; Tests/TidyTests holds the table.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let strictMemory: [SwiftSetting] = strict + [.strictMemorySafety()]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "weir",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // MARK: Floor 0, module maps for Debian's libraries
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CChecksum"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlienc libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        // MARK: Floor 1, ground, pure
        .target(name: "ByteCoding", dependencies: ["CChecksum"], swiftSettings: strict),
        .target(name: "Histograms", swiftSettings: strict),
        .target(name: "Platform", dependencies: ["CLinux"], swiftSettings: strictMemory),
        .target(name: "Telemetry", swiftSettings: strictMemory),

        // MARK: Floor 2, nouns, pure
        .target(name: "ExchangeModel", dependencies: ["ByteCoding"], swiftSettings: strict),
        .target(name: "HTTPWire", dependencies: [nioCore], swiftSettings: strictMemory),
        .target(name: "ContentCoding", dependencies: ["CZstd", "CZlib", "CBrotli"], swiftSettings: strictMemory),
        .target(name: "Dialects", dependencies: ["ByteCoding", "ExchangeModel"], swiftSettings: strict),
        .target(name: "Redaction", dependencies: ["ByteCoding", "ExchangeModel", crypto], swiftSettings: strict),
        .target(
            name: "Pricing", dependencies: ["ByteCoding", "ExchangeModel", crypto], resources: [.embedInCode("prices.json")],
            swiftSettings: strict),

        // MARK: Floor 3, stores and wires
        .target(name: "SegmentLog", dependencies: ["CZstd", "ByteCoding", "Platform", crypto], swiftSettings: strictMemory),
        .target(name: "SQLiteAccess", dependencies: ["Platform", grdb], swiftSettings: strict),
        .target(
            name: "FactStore", dependencies: ["ByteCoding", "Histograms", "ExchangeModel", "SQLiteAccess", grdb, sqlite],
            swiftSettings: strictMemory),
        .target(
            name: "ControlStore", dependencies: ["ByteCoding", "ExchangeModel", "SQLiteAccess", grdb, sqlite, crypto],
            swiftSettings: strictMemory),
        .target(
            name: "NamedQueries",
            path: "queries",
            exclude: ["clickhouse", "duckdb"],
            resources: [
                .embedInCode("cache.sql"), .embedInCode("cancelled.sql"), .embedInCode("cost-by-class.sql"),
                .embedInCode("dataset-candidates.sql"), .embedInCode("error-rate.sql"), .embedInCode("errors.sql"),
                .embedInCode("finish-reasons.sql"), .embedInCode("model-mix.sql"), .embedInCode("overhead.sql"),
                .embedInCode("payload-sizes.sql"), .embedInCode("peak-throughput.sql"), .embedInCode("projection.sql"),
                .embedInCode("reasoning-share.sql"), .embedInCode("requests.sql"), .embedInCode("retries.sql"),
                .embedInCode("service-tiers.sql"), .embedInCode("slowest.sql"), .embedInCode("spend.sql"),
                .embedInCode("spend-today.sql"), .embedInCode("tail-latency.sql"), .embedInCode("tokens.sql"),
                .embedInCode("tools.sql"), .embedInCode("ttft-by-hour.sql"), .embedInCode("unpriced.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "Upstream",
            dependencies: ["ByteCoding", "Platform", "HTTPWire", nioCore, nioPosix, nioTLS, nioSSL],
            swiftSettings: strictMemory),
        .target(name: "Outbound", dependencies: ["CCurl", "Platform"], swiftSettings: strictMemory),

        // MARK: Floor 4, engines
        .target(
            name: "Capture",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "ContentCoding", "Dialects", "Redaction", "SegmentLog", crypto,
                logging,
            ],
            swiftSettings: strictMemory),
        .target(
            name: "Indexing", dependencies: ["ByteCoding", "Platform", "ExchangeModel", "SegmentLog", "FactStore"],
            swiftSettings: strictMemory),
        .target(
            name: "Answers", dependencies: ["ByteCoding", "Histograms", "ExchangeModel", "FactStore", "NamedQueries"],
            swiftSettings: strict),
        .target(name: "Separation", dependencies: ["ByteCoding", "Platform", crypto], swiftSettings: strictMemory),
        .target(
            name: "Datasets",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "Dialects", "Redaction", "SegmentLog", "FactStore", "ControlStore",
                "Separation", crypto,
            ],
            swiftSettings: strict),
        .target(name: "Instrumenting", dependencies: ["Platform"], swiftSettings: strict),

        // MARK: Floor 5, faces
        .target(
            name: "Gateway",
            dependencies: [
                "ByteCoding", "Telemetry", "ExchangeModel", "HTTPWire", "Dialects", "Upstream", "Capture", nioCore, nioPosix,
                nioTLS, nioSSL, nioHTTP2, nioHPACK, crypto, logging,
            ],
            swiftSettings: strictMemory),
        .target(
            name: "FakeProvider",
            dependencies: ["CZstd", "CZlib", "CBrotli", "ByteCoding", nioCore, nioPosix, nioHTTP1, nioSSL, crypto],
            swiftSettings: strict),

        // MARK: Floor 6, programs
        .executableTarget(
            name: "weir",
            dependencies: [
                "ByteCoding", "Platform", "Telemetry", "ExchangeModel", "Dialects", "Redaction", "SegmentLog", "FactStore",
                "ControlStore", "NamedQueries", "Pricing", "Upstream", "Outbound", "Capture", "Indexing", "Answers", "Datasets",
                "Instrumenting",
                "Gateway", "FakeProvider", argumentParser, logging, yams,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "weir-bench",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "Redaction", "SegmentLog", "FactStore", "NamedQueries", "Answers",
                "Capture",
                "Indexing", "Separation", "Datasets",
                argumentParser,
                logging,
            ],
            swiftSettings: strict),

        // MARK: Tests
        .target(
            name: "FactSamples", dependencies: ["ExchangeModel", "FactStore"], path: "Tests/FactSamples", swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "ByteCodingTests", dependencies: ["ByteCoding", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "HistogramsTests", dependencies: ["Histograms"], swiftSettings: strict),
        .testTarget(name: "PlatformTests", dependencies: ["CLinux", "Platform"], swiftSettings: strict),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: strict),
        .testTarget(name: "ExchangeModelTests", dependencies: ["ByteCoding", "ExchangeModel"], swiftSettings: strict),
        .testTarget(
            name: "HTTPWireTests", dependencies: ["HTTPWire", "TestSupport", nioCore, nioHTTP1, nioEmbedded],
            swiftSettings: strict),
        .testTarget(
            name: "ContentCodingTests", dependencies: ["CZstd", "CZlib", "CBrotli", "ContentCoding", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "DialectsTests", dependencies: ["ByteCoding", "ExchangeModel", "Dialects", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RedactionTests", dependencies: ["ByteCoding", "ExchangeModel", "Redaction", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "PricingTests", dependencies: ["ByteCoding", "ExchangeModel", "Pricing", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "SegmentLogTests", dependencies: ["ByteCoding", "Platform", "SegmentLog", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "FactStoreTests",
            dependencies: ["ByteCoding", "Histograms", "Platform", "ExchangeModel", "FactStore", "FactSamples", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "ControlStoreTests",
            dependencies: ["ByteCoding", "Platform", "ExchangeModel", "ControlStore", "TestSupport", grdb, crypto],
            swiftSettings: strict),
        .testTarget(name: "NamedQueriesTests", dependencies: ["NamedQueries"], swiftSettings: strict),
        .testTarget(name: "UpstreamTests", dependencies: ["Upstream", nioCore, nioPosix], swiftSettings: strict),
        .testTarget(name: "OutboundTests", dependencies: ["Platform", "Outbound"], swiftSettings: strict),
        .testTarget(
            name: "CaptureTests",
            dependencies: [
                "CZstd", "CZlib", "CBrotli", "ByteCoding", "Platform", "ExchangeModel", "Redaction", "SegmentLog", "Capture",
                "TestSupport", crypto, logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "IndexingTests",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "SegmentLog", "FactStore", "Indexing", "Answers", "FactSamples", grdb,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AnswersTests",
            dependencies: ["ByteCoding", "Histograms", "ExchangeModel", "FactStore", "NamedQueries", "Answers", "FactSamples"],
            swiftSettings: strict),
        .testTarget(
            name: "SeparationTests", dependencies: ["ByteCoding", "Platform", "Separation", "TestSupport", crypto],
            swiftSettings: strict),
        .testTarget(
            name: "DatasetsTests",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "Dialects", "Redaction", "SegmentLog", "FactStore", "ControlStore",
                "Separation", "Datasets",
                "TestSupport",
                crypto,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "InstrumentingTests", dependencies: ["Platform", "Instrumenting", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Platform", "Telemetry", "ExchangeModel", "HTTPWire", "Dialects", "SegmentLog", "Upstream", "Capture", "Gateway",
                "FakeProvider", "TestSupport", nioCore, nioPosix, nioSSL, nioHTTP2, nioHPACK, logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "FakeProviderTests",
            dependencies: ["CZlib", "ContentCoding", "FakeProvider", nioCore, nioPosix, nioSSL],
            swiftSettings: strict),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: [
                "ByteCoding", "Platform", "ExchangeModel", "Dialects", "Redaction", "Upstream", "Capture", "Gateway", "Datasets",
                "weir",
                argumentParser, logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "WeirTests",
            dependencies: [
                "Platform", "Telemetry", "ExchangeModel", "SegmentLog", "FactStore", "ControlStore", "Outbound", "Gateway",
                "Indexing", "weir",
                logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "weir", "ByteCoding", "Platform", "ExchangeModel", "SegmentLog", "FactStore", "FactSamples", "FakeProvider",
            ],
            exclude: [
                "sdk_anthropic.py", "sdk_bedrock.py", "sdk_bypass.py", "sdk_check.py", "sdk_common.py", "sdk_compatible.py",
                "sdk_google.py", "sdk_litellm.py", "sdk_openai.py", "sdk_realtime.py", "sdk_usage.py", "reading_elsewhere.py",
                "twins.py", "notebooks.py",
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
