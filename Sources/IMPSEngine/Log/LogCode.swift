/// What a record of the log tells. The names never change; `board/LOGS.md` says what each means and what to do.
public enum LogCode: UInt8, Sendable {
    // The process
    case start, startFail, pool, ready, stop, reload, status, level, config, clock, fatal, suppressed
    case lastExit, watchdog, provision, factoryReset
    // The store
    case storeOpen, storeFull, storeRoom, storeFail, storeSlow, storeSkip
    case storeDamage, storeMended, storeDump
    case storeMode, storeMigrated, storeRestored, storeForeign, checkpoint, flashBudget
    // The network
    case listen, accept, cirFail, httpRefused, wireRefused, connLimit, connTimeout, noBuffer, controlCut
    case tlsCertificate, tlsRefused, tlsEnds, tlsFail, tlsBusy, outgoingFail, tlsMade, tlsKeyOpen, confined
    // Sessions
    case login, logout, authFail, authWait, sessionEnd, sessionsFull, refused
    // Messages
    case mailboxFull, expired, unconfirmed
    // Who is offline
    case notify, notifyFail
    // Services behind this one
    case upstreamFail, upstreamBack, xmppOpen, xmppClosed, xmppRefused
    // The operator
    case userAdd, userDelete, userPassword, disconnect
    // System Messages
    case campaign, sysmsgAnswer, sysmsgDenied, sysmsgTimeout

    /// The word in the record.
    public var name: StaticString {
        switch self {
        case .start: return "START"
        case .startFail: return "START-FAIL"
        case .pool: return "POOL"
        case .ready: return "READY"
        case .stop: return "STOP"
        case .reload: return "RELOAD"
        case .status: return "STATUS"
        case .level: return "LEVEL"
        case .config: return "CONFIG"
        case .clock: return "CLOCK"
        case .fatal: return "FATAL"
        case .suppressed: return "SUPPRESSED"
        case .lastExit: return "LAST-EXIT"
        case .watchdog: return "WATCHDOG"
        case .provision: return "PROVISION"
        case .factoryReset: return "FACTORY-RESET"
        case .storeOpen: return "STORE-OPEN"
        case .storeFull: return "STORE-FULL"
        case .storeRoom: return "STORE-ROOM"
        case .storeFail: return "STORE-FAIL"
        case .storeSlow: return "STORE-SLOW"
        case .storeSkip: return "STORE-SKIP"
        case .storeDamage: return "STORE-DAMAGE"
        case .storeDump: return "STORE-DUMP"
        case .storeMended: return "STORE-MENDED"
        case .storeMode: return "STORE-MODE"
        case .storeMigrated: return "STORE-MIGRATED"
        case .storeRestored: return "STORE-RESTORED"
        case .storeForeign: return "STORE-FOREIGN"
        case .checkpoint: return "CHECKPOINT"
        case .flashBudget: return "FLASH-BUDGET"
        case .listen: return "LISTEN"
        case .accept: return "ACCEPT"
        case .cirFail: return "CIR-FAIL"
        case .httpRefused: return "HTTP-REFUSED"
        case .wireRefused: return "WIRE-REFUSED"
        case .connLimit: return "CONN-LIMIT"
        case .controlCut: return "CONTROL-CUT"
        case .connTimeout: return "CONN-TIMEOUT"
        case .noBuffer: return "NO-BUFFER"
        case .tlsCertificate: return "TLS-CERT"
        case .tlsRefused: return "TLS-CERT-REFUSED"
        case .tlsEnds: return "TLS-CERT-ENDS"
        case .tlsFail: return "TLS-FAIL"
        case .tlsBusy: return "TLS-BUSY"
        case .tlsMade: return "TLS-MADE"
        case .confined: return "CONFINED"
        case .tlsKeyOpen: return "TLS-KEY-OPEN"
        case .outgoingFail: return "OUT-FAIL"
        case .notify: return "NOTIFY"
        case .notifyFail: return "NOTIFY-FAIL"
        case .upstreamFail: return "UPSTREAM-FAIL"
        case .upstreamBack: return "UPSTREAM-BACK"
        case .xmppOpen: return "XMPP-OPEN"
        case .xmppClosed: return "XMPP-CLOSED"
        case .xmppRefused: return "XMPP-REFUSED"
        case .login: return "LOGIN"
        case .logout: return "LOGOUT"
        case .authFail: return "AUTH-FAIL"
        case .authWait: return "AUTH-WAIT"
        case .sessionEnd: return "SESSION-END"
        case .sessionsFull: return "SESSIONS-FULL"
        case .refused: return "REFUSED"
        case .mailboxFull: return "MAILBOX-FULL"
        case .expired: return "EXPIRED"
        case .unconfirmed: return "UNCONFIRMED"
        case .userAdd: return "USER-ADD"
        case .userDelete: return "USER-DEL"
        case .userPassword: return "USER-PASSWD"
        case .disconnect: return "DISCONNECT"
        case .campaign: return "CAMPAIGN"
        case .sysmsgAnswer: return "SYSMSG-ANSWER"
        case .sysmsgDenied: return "SYSMSG-DENIED"
        case .sysmsgTimeout: return "SYSMSG-TIMEOUT"
        }
    }

    /// Whether it is written at every level, because supervisors and scripts wait for it; those of errors are anyway.
    public var isAlwaysWritten: Bool { self == .ready || self == .stop }

    /// How much the record matters.
    public var level: LogLevel {
        switch self {
        case .startFail, .fatal, .storeFail, .tlsRefused: return .error
        case .config, .suppressed, .lastExit, .factoryReset, .storeRestored, .storeForeign, .flashBudget, .storeFull,
            .storeSlow,
            .storeSkip, .storeDamage, .storeMended, .listen, .accept, .httpRefused, .wireRefused,
            .connLimit, .noBuffer, .controlCut, .tlsEnds, .tlsKeyOpen, .outgoingFail, .notifyFail, .upstreamFail,
            .xmppClosed, .xmppRefused,
            .authFail,
            .authWait,
            .sessionsFull,
            .mailboxFull:
            return .warning
        case .campaign, .sysmsgAnswer, .sysmsgDenied, .sysmsgTimeout, .watchdog, .provision, .storeMode, .storeMigrated,
            .checkpoint, .storeDump, .start, .pool, .tlsCertificate, .tlsMade, .confined, .ready, .stop, .reload,
            .status, .level, .clock, .storeOpen, .storeRoom, .upstreamBack, .xmppOpen, .login, .logout,
            .sessionEnd, .userAdd, .userDelete, .userPassword, .disconnect:
            return .notice
        case .connTimeout, .cirFail, .tlsFail, .tlsBusy, .expired, .unconfirmed, .notify: return .info
        case .refused: return .debug
        }
    }

    static var count: Int { Int(LogCode.sysmsgTimeout.rawValue) + 1 }
}
