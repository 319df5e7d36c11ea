import Foundation
import Testing

@testable import IMPSEngine

/// Notices whose triggers belong to features that come later. Source: protocol/system-message.md §5.2.
@Suite struct NoticeTests {
    @Test func contactsAndPrivacyAreTold() throws {
        let world = World(seed: 1)
        #expect(world.control("user add alice digest password") == "ok\n")
        #expect(world.control("user add Bob digest password") == "ok\n")
        let answer = world.handle(
            document(
                "<Login-Request><UserID>alice</UserID><ClientID><URL>c</URL></ClientID><Password>password</Password><SessionCookie>c</SessionCookie></Login-Request>",
                id: "1", session: nil, version: "1.3"))
        #expect(world.commit(succeeds: true))
        let session = try #require(field("SessionID", answer))
        func poll() -> String {
            let text = world.handle(document("<Polling-Request/>", session: session, version: "1.3"))
            _ = world.commit(succeeds: true)
            return text
        }
        #expect(poll().isEmpty)
        world.notify(.added, 2, 1)
        let added = poll()
        #expect(field("SystemMessageText", added) == "wv:Bob@home.test added you to a contact list.")
        #expect(added.contains("<AnswerOptionText>Add too</AnswerOptionText>"))
        #expect(added.contains("<AnswerOptionText>Ignore</AnswerOptionText>"))
        #expect(added.contains("<RequiresResponse>F</RequiresResponse>"))
        let id = try #require(field("SystemMessageID", added))
        #expect(id.hasPrefix("added."))
        let taken = world.handle(
            document(
                "<SystemMessage-User><SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(id)</SystemMessageID><ChosenOptionID>1</ChosenOptionID></SystemMessageResponse></SystemMessageResponseList></SystemMessage-User>",
                id: "2", session: session, version: "1.3"))
        #expect(field("Code", taken) == "200")
        #expect(world.commit(succeeds: true))
        world.notify(.privacy, 0, 1)
        let privacy = poll()
        #expect(privacy.contains("<AnswerOptionText>OK</AnswerOptionText>"))
        #expect(field("SystemMessageID", privacy)?.hasPrefix("privacy.") == true)
    }
}
