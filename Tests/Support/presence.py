#!/usr/bin/env python3
"""A crowd that watches itself: 2,000 users who are there, each with 50 contacts, all of whom change their status once.

Every watcher has to end with the newest of everybody, and nobody is told something older after something newer. Prints what the
engine took for it, and what one change costs against how many watch. `make presence` runs it; it takes about two minutes."""

import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scaling import Engine  # noqa: E402

USERS = int(os.environ.get("IMPSD_CROWD", "2000"))
CONTACTS = 50


def cpu(engine):
    """Seconds of processor time that the engine took so far."""
    with open(f"/proc/{engine.process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ok(answer):
    if "<Code>200</Code>" not in answer:
        sys.exit("presence: " + answer)


def user(number):
    return f"<UserID>wv:u{number}@home.test</UserID>"


def listed(owner):
    return f"<ContactList>wv:u{owner}/l@home.test</ContactList>"


def opens(engine, session):
    ok(engine.say(
        "<CreateAttributeList-Request><PresenceSubList><OnlineStatus/><StatusText/></PresenceSubList>"
        "<DefaultList>T</DefaultList></CreateAttributeList-Request>", session))


def watches(engine, session, owner, contacts):
    nicks = "".join(f"<NickName><Name>n</Name>{user(contact)}</NickName>" for contact in contacts)
    ok(engine.say(f"<CreateList-Request>{listed(owner)}<NickList>{nicks}</NickList></CreateList-Request>", session))
    ok(engine.say(
        "<SubscribePresence-Request>" + listed(owner) + "<PresenceSubList><OnlineStatus/><StatusText/></PresenceSubList>"
        "<AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>", session))


def says(engine, session, text):
    ok(engine.say(
        "<UpdatePresence-Request><PresenceSubList><StatusText><Qualifier>T</Qualifier>"
        f"<PresenceValue>{text}</PresenceValue></StatusText></PresenceSubList></UpdatePresence-Request>", session))


def take(engine, session, told):
    """Polls until nothing waits; `told` gets the newest number of each."""
    answer = engine.say("<Polling-Request/>", session)
    count = 0
    while answer:
        found = re.search("<TransactionMode>Request</TransactionMode><TransactionID>(.*?)</TransactionID>", answer)
        if not found:
            break
        count += 1
        for part in answer.split("<Presence>")[1:]:
            number = int(re.search("<UserID>wv:u(.*?)@", part).group(1))
            text = re.search("<StatusText>.*?<PresenceValue>(.*?)</PresenceValue>", part)
            value = int(text.group(1)) if text else 0
            if value < told.get(number, 0):
                sys.exit("presence: something older came after something newer")
            told[number] = value
        answer = engine.say(
            "<Status><Result><Code>200</Code></Result></Status>", session, mode="Response", transaction=found.group(1))
    return count


def crowd(engine):
    sessions = [engine.log_in(number) for number in range(USERS)]
    told = [{} for _ in range(USERS)]
    for number, session in enumerate(sessions):
        opens(engine, session)
        says(engine, session, 1)
    for number, session in enumerate(sessions):
        watches(engine, session, number, [(number + step) % USERS for step in range(1, CONTACTS + 1)])
    for number, session in enumerate(sessions):
        take(engine, session, told[number])
    before = cpu(engine)
    for number, session in enumerate(sessions):
        says(engine, session, 2)
    changed = cpu(engine)
    notifications = 0
    for number, session in enumerate(sessions):
        notifications += take(engine, session, told[number])
    after = cpu(engine)
    for number in range(USERS):
        for step in range(1, CONTACTS + 1):
            if told[number].get((number + step) % USERS) != 2:
                sys.exit(f"presence: u{number} does not know the newest of u{(number + step) % USERS}")
    print(
        f"{USERS} users with {CONTACTS} contacts each changed their status: every watcher has the newest; "
        f"{changed - before:.2f} s of CPU for the changes, {after - changed:.2f} s for {notifications} notifications")
    if after - before >= 10:
        sys.exit("presence: more than 10 s of CPU")


def costs(engine):
    print("watchers   µs of CPU a change")
    number = 0
    for watchers in (1, 10, 100, 1000):
        target = number
        first = number + 1
        number += watchers + 1
        session = engine.log_in(target)
        opens(engine, session)
        for watcher in range(first, number):
            watches(engine, engine.log_in(watcher), watcher, [target])
        times = {1: 3000, 10: 3000, 100: 2000, 1000: 500}[watchers]
        before = cpu(engine)
        for text in range(times):
            says(engine, session, text + 1)
        print(f"{watchers:8}   {(cpu(engine) - before) / times * 1e6:8.0f}")


def main():
    for act in (costs, crowd):
        folder = tempfile.mkdtemp(prefix="presence-")
        try:
            engine = Engine(folder)
            engine.add(USERS)
            engine.start()
            act(engine)
            engine.stop()
        finally:
            shutil.rmtree(folder)


main()
