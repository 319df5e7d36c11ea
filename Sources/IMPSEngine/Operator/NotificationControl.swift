import Octets

/// What the operator can see of those who are told that messages wait.
extension Engine where Port: ~Copyable {
    /// `notifications`: where each user is with it who was, is or will be told.
    func listNotifications(
        _ command: inout ControlCommand, _ wall: WallTime, into output: inout FixedBytes
    ) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let key = records.key(in: Key.kind(RecordKind.notification), after: command.lastKey) else {
                return .done
            }
            command.lastKey = key
            guard key.count == 5 else { continue }
            var reader = RecordReader(key.span.extracting(1..<5))
            let user: UInt32 = reader.integer()
            guard let notification = records.notification(of: user), notification.state != .none else { continue }
            write(notification, of: user, wall, into: &output)
        }
        return .more
    }

    private func write(
        _ notification: NotificationRecord, of user: UInt32, _ wall: WallTime, into output: inout FixedBytes
    ) {
        let isUnderWay = notifier.isUnderWay(user)
        output.field("user", (records.account(of: user)?.display ?? InlineBytes()).span)
        output.field("state", isUnderWay ? ("sending" as StaticString).octets : notification.state.name.octets)
        output.field("by", notification.section.span)
        output.field("why", notification.reason == .none ? Span() : notification.reason.name.octets)
        output.field("message", MessageID.text(notification.sequence).span)
        output.field("tries", UInt64(notification.attempts))
        output.field("code", UInt64(notification.code))
        // Zero is at once, as it is for what waits.
        let isWaiting = notification.state == .waiting
        output.field("due", isWaiting && !isUnderWay ? max(notification.due, wall.secondsSince1970) : 0)
        output.field("at", isWaiting ? 0 : notification.at)
        output.endRecord()
    }
}
