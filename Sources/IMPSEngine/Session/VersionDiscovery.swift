import CSP
import Wire

/// Which versions there are. Source: protocol/session.md §2.
extension Engine where Port: ~Copyable {
    /// The version to speak with somebody who asks which ones there are: his, or the nearest of ours.
    func discoveryVersion(_ document: borrowing Document) -> Version {
        document.version ?? Version(nearestTo: document.namespace)
    }

    /// Answers a WV-CSP-VersionDiscovery-Request.
    ///
    /// - Parameter version: The version of the message that the answer is; nil when it is part of a transaction.
    func discoverVersions(asMessageOf version: Version? = nil, into writer: inout Writer) {
        let versions: InlineArray<3, Version> = [.v1_1, .v1_2, .v1_3]
        if let version {
            writer.begin(syntax: writer.syntax, version: version)
            writer.openRoot(.wvCSPVersionDiscoveryResponse)
        } else {
            writer.open(.wvCSPVersionDiscoveryResponse)
        }
        writer.open(.versionList)
        for index in versions.indices { writer.text(.sessionNSName, versions[index].sessionNamespace) }
        for index in versions.indices { writer.text(.transactionNSName, versions[index].transactionNamespace) }
        for index in versions.indices { writer.text(.presenceAttributeNSName, versions[index].presenceNamespace) }
        writer.close(.versionList)
        writer.close(.wvCSPVersionDiscoveryResponse)
    }

    /// Whether a message asks for the versions, which it may do in one that we do not have.
    func asksForVersions(_ document: borrowing Document, _ session: Document.Element) -> Bool {
        guard let transaction = document.first(.transaction, in: session),
            let content = document.first(.transactionContent, in: transaction)
        else { return false }
        return document.first(.wvCSPVersionDiscoveryRequest, in: content) != nil
    }
}
