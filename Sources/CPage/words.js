// What the page says, in the languages that it knows; the first of the browser's is taken.

const WORDS = {
  en: {
    name: 'User name', password: 'Password', stay: 'Stay logged in on this device', logIn: 'Log in', menu: 'Me and my contacts',
    nobody: 'Nobody is on your list yet. Write to somebody below.', writeTo: 'Write to (name)', open: 'Open', back: 'Back',
    person: 'About this person', message: 'Message', send: 'Send', notAllowed: 'Writing messages is not part of your service.',
    key: 'Key that you were given', wrong: 'The name or the password is wrong.', wait: 'Too many tries. Try again later.',
    denied: 'You were not let in.', deniedFor: 'You were not let in. Try again in {0} minutes.', gone: 'You were logged out.',
    answered: 'Your answer is kept. Log in where you wanted to.',
    linkGone: 'This link was used already or is too old. Log in instead.', lost: 'No connection. Trying again…', noWay: 'No connection. Try again.',
    failed: 'Not sent: {0}', noUser: 'there is no such user', blocked: 'not accepted by the other side', full: 'the mailbox is full',
    AVAILABLE: 'there', NOT_AVAILABLE: 'away', DISCREET: 'busy', OFFLINE: 'not there', UNKNOWN: '', status: 'Status',
    statusText: 'Words about yourself', logOut: 'Log out', notify: 'Show notifications', close: 'Close', save: 'Save',
    add: 'Add to my contacts', remove: 'Remove from my contacts', block: 'Block', unblock: 'Unblock',
    asks: '{0} would like to see whether you are there.', allow: 'Allow', deny: 'Do not allow', ok: 'OK', waits: '{0} unread',
    noKey: 'Wrong key. Try again.', level: 'Some functions are not part of your service.', nick: 'Name for the list',
  },
  de: {
    name: 'Benutzername', password: 'Passwort', stay: 'Auf diesem Gerät angemeldet bleiben', logIn: 'Anmelden',
    menu: 'Ich und meine Kontakte', nobody: 'Noch niemand auf der Liste. Unten kannst du jemandem schreiben.',
    writeTo: 'Schreiben an (Name)', open: 'Öffnen', back: 'Zurück', person: 'Über diese Person', message: 'Nachricht',
    send: 'Senden', notAllowed: 'Nachrichten gehören nicht zu deinem Dienst.', key: 'Schlüssel, den du bekommen hast',
    wrong: 'Name oder Passwort ist falsch.', wait: 'Zu viele Versuche. Versuche es später.', denied: 'Du wurdest nicht eingelassen.',
    deniedFor: 'Du wurdest nicht eingelassen. Versuche es in {0} Minuten.', gone: 'Du wurdest abgemeldet.',
    answered: 'Deine Antwort ist gespeichert. Melde dich dort an, wo du wolltest.',
    linkGone: 'Dieser Link wurde schon benutzt oder ist zu alt. Melde dich an.', lost: 'Keine Verbindung. Neuer Versuch…',
    noWay: 'Keine Verbindung. Versuche es noch einmal.',
    failed: 'Nicht gesendet: {0}', noUser: 'es gibt diesen Benutzer nicht', blocked: 'von der anderen Seite nicht angenommen',
    full: 'das Postfach ist voll', AVAILABLE: 'da', NOT_AVAILABLE: 'abwesend', DISCREET: 'beschäftigt', OFFLINE: 'nicht da',
    UNKNOWN: '', status: 'Status', statusText: 'Worte über dich', logOut: 'Abmelden', notify: 'Benachrichtigungen zeigen',
    close: 'Schließen', save: 'Speichern', add: 'Zu meinen Kontakten', remove: 'Aus meinen Kontakten', block: 'Sperren',
    unblock: 'Entsperren', asks: '{0} möchte sehen, ob du da bist.', allow: 'Erlauben', deny: 'Nicht erlauben',
    ok: 'OK', waits: '{0} ungelesen', noKey: 'Falscher Schlüssel. Noch einmal.',
    level: 'Einige Funktionen gehören nicht zu deinem Dienst.', nick: 'Name für die Liste',
  },
};
const language = (navigator.languages || [navigator.language]).map((l) => l.slice(0, 2)).find((l) => WORDS[l]) || 'en';
const t = (key, ...values) => (WORDS[language][key] ?? key).replace(/\{(\d)\}/g, (_, n) => values[n]);
