/// What this is.
public enum Release {
    /// The version of all programs of the package.
    public static var version: StaticString { "0.1.0" }
}
