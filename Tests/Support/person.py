#!/usr/bin/python3
"""Somebody at an XMPP server, driven by lines: `person.py HOST PORT JID PASSWORD FILE`.

Takes from the end of the file, as it grows, `send JID ID TEXT` (with a receipt wanted), `ask JID`, `accept JID`, `refuse JID`,
`leave JID`, `show SHOW TEXT` and `raw XML`, and tells on the standard output what comes, a line each.
"""

import asyncio
import logging
import sys

import slixmpp


def say(*words):
    print(*words, flush=True)


class Person(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self["feature_mechanisms"].unencrypted_plain = True
        self.auto_authorize = None
        self.auto_subscribe = False
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0203")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("disconnected", lambda _: say("disconnected"))
        self.add_event_handler("failed_auth", lambda _: say("refused"))
        self.register_handler(
            slixmpp.xmlstream.handler.Callback("all", slixmpp.xmlstream.matcher.MatchXPath("{jabber:client}message"), self.take)
        )
        for kind in ("available", "away", "dnd", "xa", "chat", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self.add_event_handler(f"presence_{kind}", self.see)

    async def begin(self, _):
        await self.get_roster()
        self.send_presence()
        say("online")

    def take(self, message):
        sender = message["from"].bare
        if message["type"] == "error":
            return say("error", sender, message["id"], message["error"]["type"], message["error"]["condition"])
        received = message.xml.find("{urn:xmpp:receipts}received")
        if received is not None:
            return say("receipt", sender, received.get("id"))
        if not message["body"]:
            return
        delay = message.xml.find("{urn:xmpp:delay}delay")
        if message.xml.find("{urn:xmpp:receipts}request") is not None:
            self.send_raw(
                f"<message to='{message['from']}'><received xmlns='urn:xmpp:receipts' id='{message['id']}'/></message>"
            )
        say("message", sender, message["id"], delay.get("stamp") if delay is not None else "-", message["body"])

    def see(self, presence):
        if presence["from"].bare == self.boundjid.bare:
            return
        kind = presence.xml.get("type") or "available"
        show = presence.xml.findtext("{jabber:client}show") or "-"
        text = presence.xml.findtext("{jabber:client}status") or ""
        say(kind, presence["from"].bare, show, text)

    def obey(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "send":
            to, number, text = rest.split(" ", 2)
            message = self.make_message(mto=to, mbody=text.replace("\\n", "\n"), mtype="chat")
            message["id"] = number
            message.xml.append(slixmpp.xmlstream.ET.Element("{urn:xmpp:receipts}request"))
            message.send()
        elif verb == "show":
            show, _, text = rest.partition(" ")
            self.send_presence(pshow=None if show == "-" else show, pstatus=text or None)
        elif verb == "raw":
            self.send_raw(rest)
        else:
            kinds = {"ask": "subscribe", "accept": "subscribed", "refuse": "unsubscribed", "leave": "unsubscribe"}
            self.send_presence(pto=rest, ptype=kinds[verb])


async def obey(person, path):
    with open(path, "a+") as file:
        file.seek(0)
        rest = ""
        while True:
            rest += file.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                person.obey(line)
            await asyncio.sleep(0.02)


host, port, jid, password, path = sys.argv[1:6]
logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
person = Person(jid, password)


async def begin(_):
    person.loop.create_task(obey(person, path))


person.add_event_handler("session_start", begin)
person.connect((host, int(port)), disable_starttls=True)
person.loop.run_forever()
