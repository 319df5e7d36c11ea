// Made by `make tables` from Sources/CSP/Tables/functions.tsv. Do not edit.

/// A function of the service tree, the unit of service negotiation. Source: protocol/session.md §7.
public enum Function: UInt8, Sendable {
    /// `MF`
    case mf = 0
    /// `GETSPI`
    case getspi = 1
    /// `GETMAP`
    case getmap = 2
    /// `SGMNT`
    case sgmnt = 3
    /// `OFFNOTIF`
    case offnotif = 4
    /// `SRCH`
    case srch = 5
    /// `STSRC`
    case stsrc = 6
    /// `ADVSR`
    case advsr = 7
    /// `INVIT`
    case invit = 8
    /// `CAINV`
    case cainv = 9
    /// `VRID`
    case vrid = 10
    /// `MP`
    case mp = 11
    /// `GCLI`
    case gcli = 12
    /// `CCLI`
    case ccli = 13
    /// `DCLI`
    case dcli = 14
    /// `MCLS`
    case mcls = 15
    /// `GETWL`
    case getwl = 16
    /// `REACT`
    case react = 17
    /// `CAAUT`
    case caaut = 18
    /// `GETAUT`
    case getaut = 19
    /// `GETPR`
    case getpr = 20
    /// `UPDPR`
    case updpr = 21
    /// `CALI`
    case cali = 22
    /// `DALI`
    case dali = 23
    /// `GALS`
    case gals = 24
    /// `MM`
    case mm = 25
    /// `MDELIV`
    case mdeliv = 26
    /// `FWMSG`
    case fwmsg = 27
    /// `EXCON`
    case excon = 28
    /// `SETD`
    case setd = 29
    /// `GETLM`
    case getlm = 30
    /// `GETM`
    case getm = 31
    /// `REJCM`
    case rejcm = 32
    /// `NOTIF`
    case notif = 33
    /// `NEWM`
    case newm = 34
    /// `GLBLU`
    case glblu = 35
    /// `BLENT`
    case blent = 36
    /// `MG`
    case mg = 37
    /// `CREAG`
    case creag = 38
    /// `DELGR`
    case delgr = 39
    /// `GETGP`
    case getgp = 40
    /// `SETGP`
    case setgp = 41
    /// `SUBGCN`
    case subgcn = 42
    /// `GRCHN`
    case grchn = 43
    /// `GETJU`
    case getju = 44
    /// `GETGM`
    case getgm = 45
    /// `ADDGM`
    case addgm = 46
    /// `RMVGM`
    case rmvgm = 47
    /// `MBRAC`
    case mbrac = 48
    /// `REJEC`
    case rejec = 49
}

extension FunctionTree {
    /// The tree in the order of the protocol; `next` is the node after all that is below a node.
    static let nodes: InlineArray<69, FunctionNode> = [
        FunctionNode(.wvcspFeat, next: 69, versions: 7, functions: 0x3FFFFFFFFFFFF),
        FunctionNode(.fundamentalFeat, next: 17, versions: 7, functions: 0x7FF),
        FunctionNode(.mf, next: 3, versions: 6, functions: 0x1),
        FunctionNode(.serviceFunc, next: 8, versions: 7, functions: 0x1E),
        FunctionNode(.getspi, next: 5, versions: 7, functions: 0x2),
        FunctionNode(.getmap, next: 6, versions: 4, functions: 0x4),
        FunctionNode(.sgmnt, next: 7, versions: 4, functions: 0x8),
        FunctionNode(.offnotif, next: 8, versions: 4, functions: 0x10),
        FunctionNode(.searchFunc, next: 12, versions: 7, functions: 0xE0),
        FunctionNode(.srch, next: 10, versions: 7, functions: 0x20),
        FunctionNode(.stsrc, next: 11, versions: 7, functions: 0x40),
        FunctionNode(.advsr, next: 12, versions: 4, functions: 0x80),
        FunctionNode(.inviteFunc, next: 15, versions: 7, functions: 0x300),
        FunctionNode(.invit, next: 14, versions: 7, functions: 0x100),
        FunctionNode(.cainv, next: 15, versions: 7, functions: 0x200),
        FunctionNode(.verifyIDFunc, next: 17, versions: 6, functions: 0x400),
        FunctionNode(.vrid, next: 17, versions: 6, functions: 0x400),
        FunctionNode(.presenceFeat, next: 36, versions: 7, functions: 0x1FFF800),
        FunctionNode(.mp, next: 19, versions: 6, functions: 0x800),
        FunctionNode(.contListFunc, next: 24, versions: 7, functions: 0xF000),
        FunctionNode(.gcli, next: 21, versions: 7, functions: 0x1000),
        FunctionNode(.ccli, next: 22, versions: 7, functions: 0x2000),
        FunctionNode(.dcli, next: 23, versions: 7, functions: 0x4000),
        FunctionNode(.mcls, next: 24, versions: 7, functions: 0x8000),
        FunctionNode(.presenceAuthFunc, next: 29, versions: 7, functions: 0xF0000),
        FunctionNode(.getwl, next: 26, versions: 7, functions: 0x10000),
        FunctionNode(.react, next: 27, versions: 3, functions: 0x20000),
        FunctionNode(.caaut, next: 28, versions: 3, functions: 0x40000),
        FunctionNode(.getaut, next: 29, versions: 6, functions: 0x80000),
        FunctionNode(.presenceDeliverFunc, next: 32, versions: 7, functions: 0x300000),
        FunctionNode(.getpr, next: 31, versions: 7, functions: 0x100000),
        FunctionNode(.updpr, next: 32, versions: 7, functions: 0x200000),
        FunctionNode(.attListFunc, next: 36, versions: 3, functions: 0x1C00000),
        FunctionNode(.cali, next: 34, versions: 3, functions: 0x400000),
        FunctionNode(.dali, next: 35, versions: 3, functions: 0x800000),
        FunctionNode(.gals, next: 36, versions: 3, functions: 0x1000000),
        FunctionNode(.imFeat, next: 52, versions: 7, functions: 0x1FFE000000),
        FunctionNode(.mm, next: 38, versions: 6, functions: 0x2000000),
        FunctionNode(.imSendFunc, next: 42, versions: 7, functions: 0x1C000000),
        FunctionNode(.mdeliv, next: 40, versions: 7, functions: 0x4000000),
        FunctionNode(.fwmsg, next: 41, versions: 7, functions: 0x8000000),
        FunctionNode(.excon, next: 42, versions: 4, functions: 0x10000000),
        FunctionNode(.imReceiveFunc, next: 49, versions: 7, functions: 0x7E0000000),
        FunctionNode(.setd, next: 44, versions: 7, functions: 0x20000000),
        FunctionNode(.getlm, next: 45, versions: 7, functions: 0x40000000),
        FunctionNode(.getm, next: 46, versions: 7, functions: 0x80000000),
        FunctionNode(.rejcm, next: 47, versions: 7, functions: 0x100000000),
        FunctionNode(.notif, next: 48, versions: 7, functions: 0x200000000),
        FunctionNode(.newm, next: 49, versions: 7, functions: 0x400000000),
        FunctionNode(.imAuthFunc, next: 52, versions: 7, functions: 0x1800000000),
        FunctionNode(.glblu, next: 51, versions: 7, functions: 0x800000000),
        FunctionNode(.blent, next: 52, versions: 7, functions: 0x1000000000),
        FunctionNode(.groupFeat, next: 69, versions: 7, functions: 0x3FFE000000000),
        FunctionNode(.mg, next: 54, versions: 6, functions: 0x2000000000),
        FunctionNode(.groupMgmtFunc, next: 59, versions: 7, functions: 0x3C000000000),
        FunctionNode(.creag, next: 56, versions: 7, functions: 0x4000000000),
        FunctionNode(.delgr, next: 57, versions: 7, functions: 0x8000000000),
        FunctionNode(.getgp, next: 58, versions: 7, functions: 0x10000000000),
        FunctionNode(.setgp, next: 59, versions: 7, functions: 0x20000000000),
        FunctionNode(.groupUseFunc, next: 63, versions: 7, functions: 0x1C0000000000),
        FunctionNode(.subgcn, next: 61, versions: 7, functions: 0x40000000000),
        FunctionNode(.grchn, next: 62, versions: 7, functions: 0x80000000000),
        FunctionNode(.getju, next: 63, versions: 6, functions: 0x100000000000),
        FunctionNode(.groupAuthFunc, next: 69, versions: 7, functions: 0x3E00000000000),
        FunctionNode(.getgm, next: 65, versions: 7, functions: 0x200000000000),
        FunctionNode(.addgm, next: 66, versions: 7, functions: 0x400000000000),
        FunctionNode(.rmvgm, next: 67, versions: 7, functions: 0x800000000000),
        FunctionNode(.mbrac, next: 68, versions: 7, functions: 0x1000000000000),
        FunctionNode(.rejec, next: 69, versions: 7, functions: 0x2000000000000),
    ]
}
