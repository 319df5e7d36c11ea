// swift-tools-version: 6.2
import PackageDescription

// IMPSD_EMBEDDED=1 builds the same sources the way they are flashed: Embedded Swift, whole module, no allocations
// in the pure modules. The flags are unsafe flags, so they stay behind the variable and IMPSEngine stays usable as
// a versioned dependency.
let embedded = Context.environment["IMPSD_EMBEDDED"] != nil

let common: [SwiftSetting] =
    [
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableExperimentalFeature("Lifetimes"),
    ]
    + (embedded
        ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])]
        : [.treatWarning("EmbeddedRestrictions", as: .error)])

/// Modules that get their memory lent: the Embedded compiler refuses every allocation in them.
let pure = common + (embedded ? [.unsafeFlags(["-no-allocations"])] : [])

let libraries: [LinkerSetting] = ["uv", "lmdb", "mbedtls", "mbedx509", "mbedcrypto"].map { .linkedLibrary($0) }

var targets: [Target] = [
    .systemLibrary(name: "CLibC"),
    .systemLibrary(name: "CPage"),
    .systemLibrary(name: "CUV"),
    .systemLibrary(name: "CLMDB"),
    .systemLibrary(name: "CMbedTLS"),
    .target(name: "Octets", swiftSettings: pure),
    .target(name: "Digests", dependencies: ["Octets", "CMbedTLS"], swiftSettings: pure),
    .target(name: "Wire", dependencies: ["Octets"], exclude: ["Tables"], swiftSettings: pure),
    .target(name: "CSP", dependencies: ["Wire"], exclude: ["Tables"], swiftSettings: pure),
    .target(name: "IMPSEngine", dependencies: ["CSP", "Digests"], swiftSettings: pure),
    .target(name: "Files", dependencies: ["Octets", "CLibC"], swiftSettings: common),
    .target(name: "Store", dependencies: ["IMPSEngine", "Files", "CLMDB"], swiftSettings: common),
    .target(name: "Configuration", dependencies: ["IMPSEngine"], swiftSettings: pure),
    .target(name: "TLS", dependencies: ["Octets", "Files", "CMbedTLS", "CLibC"], swiftSettings: common),
    .target(name: "Transport", dependencies: ["IMPSEngine", "Files", "TLS", "CUV", "CPage"], swiftSettings: common),
    .target(name: "Setup", dependencies: ["Transport", "Store", "Configuration", "TLS"], swiftSettings: common),
    .target(name: "impsd", dependencies: ["Setup"], swiftSettings: common),
    .target(name: "impsctl", dependencies: ["Setup"], swiftSettings: common),
    .target(name: "imps", dependencies: ["Transport", "CSP", "Digests", "TLS"], swiftSettings: common),
    .executableTarget(
        name: "programs", dependencies: ["impsd", "impsctl", "imps"],
        swiftSettings: common, linkerSettings: libraries),
]

// Host tools and tests use the full language; Embedded builds leave them out.
if !embedded {
    let host: [SwiftSetting] = [.treatAllWarnings(as: .error)]
    let unit = host + [.enableExperimentalFeature("Lifetimes")]
    targets += [
        .target(name: "TableGenerator", path: "Tests/Support/TableGenerator", swiftSettings: host),
        .executableTarget(
            name: "tables", dependencies: ["TableGenerator"], path: "Tests/Support/tables", swiftSettings: host),
        .target(
            name: "Harness", dependencies: ["CMbedTLS"], path: "Tests/Support/Harness", swiftSettings: host,
            linkerSettings: libraries),
        .executableTarget(
            name: "bench", dependencies: ["Harness", "CLMDB", "Wire"], path: "Tests/Support/bench", swiftSettings: host,
            linkerSettings: libraries),
        .testTarget(name: "OctetsTests", dependencies: ["Octets"], swiftSettings: unit),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: unit, linkerSettings: libraries),
        .testTarget(
            name: "WireTests", dependencies: ["Wire"], exclude: ["INTEROP.md", "expat.py"], swiftSettings: unit),
        .testTarget(name: "CSPTests", dependencies: ["CSP"], swiftSettings: unit),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: unit),
        .testTarget(
            name: "TransportTests", dependencies: ["Transport"], swiftSettings: unit, linkerSettings: libraries),
        .testTarget(
            name: "IMPSEngineTests", dependencies: ["IMPSEngine"], swiftSettings: unit, linkerSettings: libraries),
        .testTarget(name: "StoreTests", dependencies: ["Store"], swiftSettings: unit, linkerSettings: libraries),
        .testTarget(name: "TidyTests", dependencies: ["TableGenerator"], swiftSettings: host),
        .testTarget(
            name: "AcceptanceTests", dependencies: ["Harness"], exclude: ["README.md", "Panes"], swiftSettings: host),
        .testTarget(name: "BoardTests", dependencies: ["Harness"], swiftSettings: host),
    ]
}

// IMPSD_FUZZ=1 adds the target of `make fuzz`, which links libFuzzer.
if Context.environment["IMPSD_FUZZ"] != nil {
    targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Wire"], path: "Tests/Fuzz",
            swiftSettings: [.enableExperimentalFeature("Lifetimes"), .enableExperimentalFeature("Extern")]))
}

let package = Package(
    name: "impsd",
    products: [
        .executable(name: "impsd", targets: ["programs"]),
        .library(name: "IMPSEngine", targets: ["IMPSEngine"]),
    ],
    targets: targets
)
