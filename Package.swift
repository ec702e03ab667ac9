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
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "weir",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // MARK: Floor 1, ground, pure
        .target(name: "ByteCoding", swiftSettings: strict),
        .target(name: "Platform", swiftSettings: strictMemory),

        // MARK: Floor 2, nouns, pure
        .target(name: "ExchangeModel", dependencies: ["ByteCoding"], swiftSettings: strict),
        .target(name: "Dialects", dependencies: ["ExchangeModel", "ByteCoding"], swiftSettings: strict),

        // MARK: Floor 4, engines
        .target(name: "Datasets", dependencies: ["Dialects", "ExchangeModel", "ByteCoding", "Platform", crypto], swiftSettings: strict),

        // MARK: Tests
        .testTarget(name: "ByteCodingTests", dependencies: ["ByteCoding"], swiftSettings: strict),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: strict),
        .testTarget(name: "ExchangeModelTests", dependencies: ["ByteCoding", "ExchangeModel"], swiftSettings: strict),
        .testTarget(name: "DialectsTests", dependencies: ["ByteCoding", "ExchangeModel", "Dialects"], swiftSettings: strict),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "ExchangeModel", "ByteCoding", "Platform", crypto], swiftSettings: strict),
    ]
)
