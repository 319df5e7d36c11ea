import IMPSEngine
import Octets
import Transport

extension FixedBytes {
    /// Adds the request that carries a notification.
    mutating func append(
        _ order: NotificationOrder, _ target: Target, _ notification: borrowing FixedBytes
    ) {
        append(order.isPost ? "POST " : "GET ")
        append(target.path.span)
        append(copy: notification, order.query)
        append(" HTTP/1.1\r\nHost: ")
        target.writeHost(into: &self)
        append("\r\nUser-Agent: impsd\r\nConnection: close\r\n")
        append(copy: notification, order.fields)
        if order.isPost {
            append("Content-Length: ")
            append(decimal: UInt64(order.body.count))
            append("\r\n")
        }
        append("\r\n")
        append(copy: notification, order.body)
    }
}
