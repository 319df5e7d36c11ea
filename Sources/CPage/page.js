// A client of IMPS (CSP 1.3 in XML) for browsers. Texts of others only ever become text nodes.

const WORDS = {
  en: {
    name: 'User name', password: 'Password', stay: 'Stay logged in on this device', logIn: 'Log in', menu: 'Me and my contacts',
    nobody: 'Nobody is on your list yet. Write to somebody below.', writeTo: 'Write to (name)', open: 'Open', back: 'Back',
    person: 'About this person', message: 'Message', send: 'Send', notAllowed: 'Writing messages is not part of your service.',
    key: 'Key that you were given', wrong: 'The name or the password is wrong.', wait: 'Too many tries. Try again later.',
    denied: 'You were not let in.', deniedFor: 'You were not let in. Try again in {0} minutes.', gone: 'You were logged out.',
    linkGone: 'This link was used already or is too old. Log in instead.', lost: 'No connection. Trying again…',
    failed: 'Not sent: {0}', noUser: 'there is no such user', blocked: 'not accepted by the other side', full: 'the mailbox is full',
    AVAILABLE: 'there', NOT_AVAILABLE: 'away', DISCREET: 'busy', OFFLINE: 'not there', UNKNOWN: '', status: 'Status',
    statusText: 'Words about yourself', logOut: 'Log out', notify: 'Show notifications', close: 'Close', save: 'Save',
    add: 'Add to my contacts', remove: 'Remove from my contacts', block: 'Block', unblock: 'Unblock', title: 'Me',
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
    linkGone: 'Dieser Link wurde schon benutzt oder ist zu alt. Melde dich an.', lost: 'Keine Verbindung. Neuer Versuch…',
    failed: 'Nicht gesendet: {0}', noUser: 'es gibt diesen Benutzer nicht', blocked: 'von der anderen Seite nicht angenommen',
    full: 'das Postfach ist voll', AVAILABLE: 'da', NOT_AVAILABLE: 'abwesend', DISCREET: 'beschäftigt', OFFLINE: 'nicht da',
    UNKNOWN: '', status: 'Status', statusText: 'Worte über dich', logOut: 'Abmelden', notify: 'Benachrichtigungen zeigen',
    close: 'Schließen', save: 'Speichern', add: 'Zu meinen Kontakten', remove: 'Aus meinen Kontakten', block: 'Sperren',
    unblock: 'Entsperren', title: 'Ich', asks: '{0} möchte sehen, ob du da bist.', allow: 'Erlauben', deny: 'Nicht erlauben',
    ok: 'OK', waits: '{0} ungelesen', noKey: 'Falscher Schlüssel. Noch einmal.',
    level: 'Einige Funktionen gehören nicht zu deinem Dienst.', nick: 'Name für die Liste',
  },
};
const language = (navigator.languages || [navigator.language]).map((l) => l.slice(0, 2)).find((l) => WORDS[l]) || 'en';
const t = (key, ...values) => (WORDS[language][key] ?? key).replace(/\{(\d)\}/g, (_, n) => values[n]);
const $ = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// MARK: The wire

const PLACE = 'http://www.openmobilealliance.org/DTD/';
const escape = (text) => String(text)
  .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
  .replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const tag = (name, ...content) => `<${name}>${content.join('')}</${name}>`;
const leaf = (name, text) => tag(name, escape(text));
const first = (element, name) => element?.getElementsByTagNameNS('*', name)[0];
const all = (element, name) => [...(element?.getElementsByTagNameNS('*', name) ?? [])];
const text = (element, name) => first(element, name)?.textContent ?? '';

/** SHA-1, because browsers have none on pages without https. */
function sha1(octets) {
  const length = octets.length;
  const words = new Uint32Array(((length + 8 >> 6) + 1) * 16);
  for (let i = 0; i < length; i++) words[i >> 2] |= octets[i] << (24 - (i & 3) * 8);
  words[length >> 2] |= 0x80 << (24 - (length & 3) * 8);
  words[words.length - 1] = length * 8;
  let h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const w = new Uint32Array(80);
  const turn = (x, n) => (x << n) | (x >>> (32 - n));
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d, e] = h;
    for (let i = 0; i < 80; i++) {
      w[i] = i < 16 ? words[block + i] : turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
      const [f, k] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
        : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
      [a, b, c, d, e] = [(turn(a, 5) + f + e + k + w[i]) >>> 0, a, turn(b, 30), c, d];
    }
    h = [h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e].map((x) => x >>> 0);
  }
  return h.flatMap((x) => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255]);
}

// The one way from a text to a document: of XML, of which nothing is ever put into the page but the texts in it.
const reader = window.trustedTypes?.createPolicy('document', { createHTML: (words) => words });
const parse = (words) => new DOMParser().parseFromString(reader ? reader.createHTML(words) : words, 'application/xml');

class Lost extends Error {}

/** A session with the server; one request after the other. */
class Session {
  constructor(user, cookie, id = '') {
    Object.assign(this, { user, cookie, id, number: Math.floor(Math.random() * 1e6), queue: Promise.resolve() });
  }

  /** Sends a transaction; the primitive that answers it, and what else came goes to `onTransaction`. */
  request(content, { mode = 'Request', number = ++this.number, outband = false } = {}) {
    const result = this.queue.then(() => this.#exchange(content, mode, number, outband));
    this.queue = result.catch(() => {});
    return result;
  }

  async #exchange(content, mode, number, outband) {
    const descriptor = outband ? tag('SessionType', 'Outband') : tag('SessionType', 'Inband') + leaf('SessionID', this.id);
    const body = '<?xml version="1.0" encoding="UTF-8"?>'
      + `<WV-CSP-Message xmlns="${PLACE}IMPS-CSP1.3">${tag('Session', tag('SessionDescriptor', descriptor)
      + tag('Transaction', tag('TransactionDescriptor', tag('TransactionMode', mode) + leaf('TransactionID', number))
      + `<TransactionContent xmlns="${PLACE}IMPS-TRC1.3">${content}</TransactionContent>`))}</WV-CSP-Message>`;
    let answer;
    try {
      const response = await fetch('/', {
        method: 'POST', body, headers: { 'Content-Type': 'application/vnd.wv.csp.xml' }, credentials: 'omit', cache: 'no-store',
      });
      if (!response.ok) throw new Lost(`${response.status}`);
      answer = await response.text();
    } catch (error) {
      throw error instanceof Lost ? error : new Lost(error.message);
    }
    if (!answer) return null;
    const root = parse(answer);
    this.hasMore = text(root, 'Poll') === 'T';
    let own = null;
    for (const transaction of all(root, 'Transaction')) {
      const primitive = first(transaction, 'TransactionContent')?.firstElementChild;
      const id = text(transaction, 'TransactionID');
      if (text(transaction, 'TransactionMode') === 'Response' && (id === String(number) || !own)) own = primitive;
      else if (primitive) this.onTransaction?.(primitive, id);
    }
    return own;
  }

  /** Answers what the server began. */
  respond(id, content) { return this.request(content, { mode: 'Response', number: id }); }
}

const STATUS_OK = tag('Status', tag('Result', leaf('Code', 200)));
const code = (primitive) => Number(text(primitive, 'Code')) || 0;

// MARK: State

let session = null;
let allowed = () => true;
let people = new Map();
let current = null;
let lists = { main: '', names: [] };
let blockedUsers = new Set();
let me = { availability: 'AVAILABLE', words: '' };
let domain = '';
let showsFirst = false;
let running = 0;
const store = { get: (k) => read(sessionStorage, k) ?? read(localStorage, k) };
function read(storage, key) { try { return JSON.parse(storage.getItem(key)); } catch { return null; } }

/** Keeps the session for a reload of this tab, and beyond it only when the user asked for that. */
function keep() {
  const conversations = [...people.values()].filter((p) => p.messages.length).map((p) => ({ ...p, messages: p.messages.slice(-100) }));
  const value = session && { user: session.user, cookie: session.cookie, id: session.id, number: session.number, domain, conversations };
  try {
    sessionStorage.removeItem('impsd');
    if (value) sessionStorage.setItem('impsd', JSON.stringify(value));
  } catch { /* A full storage keeps nothing. */ }
}

const isStaying = () => $('stay').checked;
addEventListener('pagehide', () => {
  keep();
  // One tab at a time has a session: another one finds nothing while this one runs.
  if (session && isStaying()) localStorage.setItem('impsd', sessionStorage.getItem('impsd'));
});

function short(address) {
  let name = address.replace(/^wv:/i, '');
  if (domain && name.toLowerCase().endsWith('@' + domain)) name = name.slice(0, -domain.length - 1);
  return name;
}

function full(name) {
  let address = name.trim().toLowerCase().replace(/^wv:/, '');
  if (!address.includes('@') && domain) address += '@' + domain;
  return 'wv:' + address;
}

/** Takes the domain of this server from an address of it; who was written to by his name alone has it too. */
function learn(address, isOwn = false) {
  if (!address.includes('@')) return;
  if (isOwn) session.user = address;
  if (domain) return;
  domain = address.slice(address.indexOf('@') + 1).toLowerCase();
  for (const [key, p] of [...people]) {
    if (key.includes('@')) continue;
    people.delete(key);
    p.key = full(key);
    people.set(p.key, p);
  }
}

function person(address) {
  const key = full(address);
  if (!people.has(key)) {
    people.set(key, { key, nick: '', state: 'UNKNOWN', words: '', unread: 0, messages: [], isContact: false, list: '' });
  }
  return people.get(key);
}

const nameOf = (p) => p.nick || short(p.key);

// MARK: What is shown

for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
for (const element of document.querySelectorAll('[data-p]')) element.placeholder = t(element.dataset.p);
for (const element of document.querySelectorAll('[data-l]')) {
  element.setAttribute('aria-label', t(element.dataset.l));
  element.title = t(element.dataset.l);
}
document.documentElement.lang = language;

function banner(words, isNote = false) {
  $('banner').textContent = words;
  $('banner').classList.toggle('note', isNote);
  $('banner').hidden = !words;
}

function showLogin(words = '') {
  $('app').hidden = true;
  $('login').hidden = false;
  $('login-error').textContent = words;
  $('login-button').disabled = false;
  document.title = 'IMPS';
  ($('name').value ? $('password') : $('name')).focus();
}

function showApp() {
  $('login').hidden = true;
  $('app').hidden = false;
  $('write').hidden = !allowed('MM');
  $('start').hidden = !allowed('MM');
  $('not-allowed').hidden = allowed('MM');
  drawPeople();
  drawChat();
}

/** Elements of the list, by person; what is written in them is only changed when it is another. */
const items = new Map();

function itemOf(p) {
  if (!items.has(p.key)) {
    const button = el('button', { type: 'button', onclick: () => openChat(person(p.key)) },
      el('span', { 'aria-hidden': 'true' }), el('span', { className: 'who' }, '', el('small')));
    items.set(p.key, el('li', {}, button));
  }
  const item = items.get(p.key);
  const state = JSON.stringify([nameOf(p), p.state, p.words, p.unread, p === current]);
  if (item.state === state) return item;
  item.state = state;
  const button = item.firstElementChild;
  const [dot, who, count] = button.children;
  dot.className = `dot ${p.state}`;
  who.firstChild.data = nameOf(p);
  who.lastChild.textContent = p.words || t(p.state);
  count?.remove();
  if (p.unread) button.append(el('span', { className: 'count' }, String(p.unread), el('span', { className: 'unseen' }, ' ' + t('waits', p.unread))));
  if (p === current) button.setAttribute('aria-current', 'true');
  else button.removeAttribute('aria-current');
  return item;
}

let isDrawing = false;
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => { isDrawing = false; drawPeople(); });
}

function drawPeople() {
  if (!session) return;
  $('me').replaceChildren(short(session.user), el('small', { textContent: [t(me.availability), me.words].filter(Boolean).join(' · ') }));
  const order = [...people.values()].filter((p) => p.isContact || p.messages.length || p === current);
  const rank = (p) => (p.unread ? 0 : p.state === 'UNKNOWN' || p.state === 'OFFLINE' ? 2 : 1);
  order.sort((a, b) => rank(a) - rank(b) || nameOf(a).localeCompare(nameOf(b)));
  // Who stays where he is keeps his element: a finger that is on it hits it.
  order.forEach((p, place) => {
    const item = itemOf(p);
    if ($('list').children[place] !== item) $('list').insertBefore(item, $('list').children[place] ?? null);
  });
  while ($('list').children.length > order.length) $('list').lastElementChild.remove();
  $('nobody').hidden = order.length > 0 || !allowed('MM');
  const unread = order.reduce((sum, p) => sum + p.unread, 0);
  document.title = (unread ? `(${unread}) ` : '') + 'IMPS';
}

function line(message) {
  const time = new Date(message.time).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
  const p = el('p', { className: (message.isMine ? 'mine' : '') + (message.error ? ' failed' : '') }, message.text);
  p.append(el('small', { textContent: message.error ? t('failed', message.error) : message.isPending ? '…' : time }));
  return p;
}

function drawChat() {
  $('app').classList.toggle('talking', Boolean(current));
  $('chat').hidden = false;
  $('write').hidden = !current || !allowed('MM');
  $('more').hidden = !current;
  $('with').replaceChildren();
  $('with').hidden = !current;
  if (!current) return $('log').replaceChildren();
  $('with').append(nameOf(current), el('small', { textContent: current.words || t(current.state) }));
  $('log').replaceChildren(...current.messages.map(line));
  $('log').scrollTop = $('log').scrollHeight;
}

function openChat(p, focuses = true) {
  current = p;
  p.unread = 0;
  drawPeople();
  drawChat();
  if (focuses && allowed('MM')) $('text').focus();
}

/** Adds one message; what is there already is not drawn again. */
function show(p, message) {
  p.messages.push(message);
  if (p === current) {
    const log = $('log');
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    message.element = line(message);
    log.append(message.element);
    if (isAtEnd || message.isMine) log.scrollTop = log.scrollHeight;
  }
  drawSoon();
}

function redraw(p, message) {
  if (p !== current || !message.element) return;
  const fresh = line(message);
  message.element.replaceWith(fresh);
  message.element = fresh;
}

// MARK: Questions

let asking = Promise.resolve();

/** Shows a System Message and waits for the answer; nil for one that needs none and was closed. */
function ask(element, note = '') {
  const result = asking.then(() => new Promise((done) => {
    const required = text(element, 'RequiresResponse') === 'T';
    const options = all(element, 'AnswerOption').map((o) => [text(o, 'AnswerOptionID'), text(o, 'AnswerOptionText')]);
    const hasKey = Boolean(first(element, 'VerificationMechanism'));
    $('question-text').textContent = text(element, 'SystemMessageText');
    $('question-lead').textContent = note || text(element, 'AnswerOptionsText');
    $('question-lead').hidden = !$('question-lead').textContent;
    $('question-key').hidden = !hasKey;
    $('key').value = '';
    const dialog = $('question');
    const end = (option) => {
      dialog.oncancel = null;
      dialog.close();
      done({ id: text(element, 'SystemMessageID'), option, key: hasKey ? $('key').value : '' });
    };
    const buttons = options.map(([id, words]) => {
      const button = el('button', { type: 'button' }, words);
      button.addEventListener('click', () => end(id));
      return button;
    });
    if (!buttons.length) buttons.push(el('button', { type: 'button', className: 'main', onclick: () => end('') }, t('ok')));
    else if (!required) buttons.push(el('button', { type: 'button', onclick: () => end(null) }, t('close')));
    $('question-options').replaceChildren(...buttons);
    dialog.oncancel = (event) => {
      event.preventDefault();
      if (!required) end(buttons.length && options.length ? null : '');
    };
    dialog.showModal();
    dialog.scrollTop = 0;
  }));
  asking = result;
  return result;
}

const responses = (answers) => tag('SystemMessageResponseList', ...answers.map((a) => tag('SystemMessageResponse',
  leaf('SystemMessageID', a.id), a.option ? leaf('ChosenOptionID', a.option) : '', a.key ? leaf('VerificationKey', a.key) : '')));

// MARK: Logging in

const clientID = () => tag('ClientID', leaf('URL', 'impsd:page'));
function loginRequest(who, content) {
  return who.request(tag('Login-Request', leaf('UserID', who.user), clientID(), content, leaf('TimeToLive', 3600),
    leaf('SessionCookie', who.cookie)), { outband: true, number: who.loginNumber });
}

/** Logs in; the reason in words when that did not work. */
async function logIn(user, credentials) {
  const cookie = [...crypto.getRandomValues(new Uint8Array(9))].map((x) => x.toString(16).padStart(2, '0')).join('');
  const who = new Session(user, cookie);
  who.loginNumber = 1;
  let answer = await credentials(who);
  let note = '';
  let hasAnswered = false;
  while (answer) {
    const status = code(answer);
    const questions = all(answer, 'SystemMessage').filter((m) => status !== 200 || !text(m, 'SystemMessageID').startsWith('waiting.'));
    if (status === 200) {
      who.id = text(answer, 'SessionID');
      session = who;
      await begin();
      for (const question of questions) answerOne(question);
      return '';
    }
    if (status === 409 || status === 531) return t('wrong');
    if (status === 503) return t('wait');
    const isOpen = questions.length && questions.some((q) => first(q, 'AnswerOption') || text(q, 'RequiresResponse') === 'T');
    if (!isOpen) {
      for (const question of questions) await ask(question);
      const seconds = Number(text(answer, 'TryAgainTimeout'));
      return seconds ? t('deniedFor', Math.ceil(seconds / 60)) : !hasAnswered && text(answer, 'Description') || t('denied');
    }
    const answers = [];
    for (const question of questions) answers.push(await ask(question, note));
    hasAnswered = true;
    who.loginNumber++;
    answer = await loginRequest(who, responses(answers));
    note = code(answer) === 402 ? t('noKey') : '';
  }
  return t('denied');
}

/** By digest, so that nobody on the way learns the password. */
const byDigest = (password) => async (who) => {
  const challenge = await loginRequest(who, leaf('DigestSchema', 'SHA'));
  const nonce = text(challenge, 'Nonce');
  if (!nonce) return challenge;
  const octets = [...new TextEncoder().encode(nonce), ...new TextEncoder().encode(password)];
  const answer = await loginRequest(who, leaf('DigestBytes', btoa(String.fromCharCode(...sha1(octets)))));
  // Accounts without digests are known by the password alone, which is only said where nobody listens.
  if (code(answer) !== 409 || location.protocol !== 'https:') return answer;
  who.loginNumber++;
  return loginRequest(who, leaf('Password', password));
};
const byLink = (token) => (who) => loginRequest(who, leaf('Password', 'link:' + token));

/** What has to be said at the beginning of a session. */
async function begin() {
  session.onTransaction = take;
  const functions = ['FundamentalFeat', 'PresenceFeat', 'IMFeat'].map((f) => `<${f}/>`).join('');
  const service = await session.request(tag('Service-Request', tag('Functions', tag('WVCSPFeat', functions)), leaf('AllFunctionsRequest', 'T')));
  const granted = first(service, 'AllFunctions');
  allowed = (name) => !granted || Boolean(first(granted, name));
  await session.request(tag('ClientCapability-Request', clientID(), tag('CapabilityList', leaf('ClientType', 'COMPUTER'),
    leaf('InitialDeliveryMethod', 'P'), leaf('AcceptedContentType', 'text/plain'), leaf('AcceptedContentLength', 100000),
    leaf('SupportedBearer', 'HTTP'), leaf('MultiTrans', 1), leaf('ParserSize', 200000), leaf('ServerPollMin', 2))));
  if (allowed('GETPR')) {
    const own = await session.request(tag('GetPresence-Request', tag('User', leaf('UserID', session.user))));
    learn(text(first(own, 'Presence'), 'UserID'), true);
  }
  showApp();
  if (!allowed('MM') || !allowed('MP')) banner(t('level'), true);
  if (allowed('GCLI')) await loadContacts();
  if (allowed('UPDPR')) await publish();
  if (allowed('GLBLU')) {
    const blocked = await session.request('<GetBlockedList-Request/>');
    blockedUsers = new Set(all(first(blocked, 'BlockList'), 'UserID').map((u) => full(u.textContent)));
  }
  keep();
  loop(++running);
}

async function loadContacts() {
  const answer = await session.request('<GetList-Request/>');
  lists = { main: text(answer, 'DefaultContactList'), names: all(answer, 'ContactList').map((c) => c.textContent) };
  lists.main ||= lists.names[0] || '';
  for (const p of people.values()) p.isContact = false;
  for (const name of new Set([lists.main, ...lists.names].filter(Boolean))) {
    learn(name.split('/')[0]);
    const list = await session.request(tag('ListManage-Request', leaf('ContactList', name), leaf('ReceiveList', 'T')));
    for (const user of all(first(list, 'NickList'), 'UserID')) {
      const p = person(user.textContent);
      p.isContact = true;
      p.list = name;
      if (user.parentElement.localName === 'NickName') p.nick = text(user.parentElement, 'Name');
    }
    await session.request(tag('SubscribePresence-Request', leaf('ContactList', name), leaf('AutoSubscribe', 'T')));
  }
  drawPeople();
}

function publish() {
  const value = (name, words) => tag(name, leaf('Qualifier', 'T'), leaf('PresenceValue', words));
  return session.request(tag('UpdatePresence-Request', tag('PresenceSubList',
    value('OnlineStatus', 'T'), value('UserAvailability', me.availability), value('StatusText', me.words))));
}

// MARK: What the server says

function take(primitive, id) {
  const who = session;
  let answer = STATUS_OK;
  switch (primitive.localName) {
    case 'NewMessage': {
      const message = text(primitive, 'MessageID');
      answer = tag('MessageDelivered', leaf('MessageID', message));
      received(primitive, message);
      break;
    }
    case 'PresenceNotification-Request':
      for (const presence of all(primitive, 'Presence')) seen(presence);
      break;
    case 'PresenceAuth-Request':
      authorize(text(primitive, 'UserID'));
      break;
    case 'SystemMessage-Request':
      for (const question of all(primitive, 'SystemMessage')) answerOne(question);
      break;
    case 'Disconnect':
      return end(t('gone'));
  }
  who.respond(id, answer).catch(() => {});
}

function received(primitive, id) {
  learn(text(first(primitive, 'Recipient'), 'UserID'), true);
  const sender = first(primitive, 'Sender');
  const p = person(text(sender, 'UserID') || text(sender, 'ContactList') || '?');
  // A confirmation that was lost brings a message again.
  if (p.messages.some((m) => m.id === id && !m.isMine)) return;
  let words = text(primitive, 'ContentData');
  if (/base64/i.test(text(primitive, 'ContentEncoding'))) {
    try { words = new TextDecoder().decode(Uint8Array.from(atob(words), (c) => c.charCodeAt(0))); } catch { /* As it is. */ }
  }
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?$/.exec(text(primitive, 'DateTime'));
  const time = date ? Date.UTC(date[1], date[2] - 1, ...date.slice(3)) : Date.now();
  if (p !== current || document.hidden) p.unread++;
  show(p, { id, text: words, time, isMine: false });
  if (showsFirst) {
    showsFirst = false;
    openChat(p);
  }
  keep();
  if (document.hidden && window.Notification?.permission === 'granted') {
    new Notification(nameOf(p), { body: words.slice(0, 200), tag: p.key });
  }
}

function seen(presence) {
  const p = person(text(presence, 'UserID'));
  const list = first(presence, 'PresenceSubList');
  const value = (name) => {
    const attribute = first(list, name);
    return text(attribute, 'Qualifier') === 'T' ? text(attribute, 'PresenceValue') : '';
  };
  const online = value('OnlineStatus');
  const availability = value('UserAvailability');
  p.state = online === 'F' ? 'OFFLINE' : online === 'T' ? (t(availability) !== availability && availability) || 'AVAILABLE' : 'UNKNOWN';
  p.words = online === 'T' ? value('StatusText') : '';
  drawSoon();
  if (p === current) $('with').replaceChildren(nameOf(p), el('small', { textContent: p.words || t(p.state) }));
}

async function answerOne(question) {
  let note = '';
  while (session) {
    const answer = await ask(question, note);
    if (answer.option === null) return;
    const status = code(await session.request(tag('SystemMessage-User', responses([answer]))).catch(() => null));
    if (status !== 402) break;
    note = t('noKey');
  }
  // It may have been about the level of service, or have put somebody on the list.
  if (session && allowed('GCLI')) await loadContacts().catch(() => {});
}

async function authorize(user) {
  const answer = await choose(t('asks', short(user)), [['T', t('allow')], ['F', t('deny')]]);
  if (answer && session) {
    await session.request(tag('PresenceAuth-User', leaf('UserID', user), leaf('Acceptance', answer))).catch(() => {});
  }
}

function choose(words, options) {
  const result = asking.then(() => new Promise((done) => {
    $('sheet-title').textContent = words;
    const end = (value) => { $('sheet').onclose = null; $('sheet').close(); done(value); };
    $('sheet-body').replaceChildren(...options.map(([value, name]) => el('button', { type: 'button', onclick: () => end(value) }, name)));
    $('sheet').onclose = () => done('');
    $('sheet').showModal();
  }));
  asking = result;
  return result;
}

/** Asks now and then, as long as the session is there. */
async function loop(number) {
  let pause = 1000;
  while (session && number === running) {
    const who = session;
    try {
      const answer = await who.request('<Polling-Request/>', { number: '' });
      if (answer && answer.localName === 'Status' && [600, 604, 502].includes(code(answer))) return end(t('gone'));
      if (!$('banner').hidden && $('banner').textContent === t('lost')) banner('');
      pause = 1000;
      if (!who.hasMore) await sleep(document.hidden ? 8000 : 2000);
    } catch {
      if (number !== running) return;
      banner(t('lost'));
      await sleep(pause);
      pause = Math.min(pause * 2, 15000);
    }
  }
}

function end(words) {
  session = null;
  running++;
  current = null;
  people = new Map();
  items.clear();
  $('list').replaceChildren();
  localStorage.removeItem('impsd');
  keep();
  banner('');
  if ($('question').open) $('question').close();
  if ($('sheet').open) $('sheet').close();
  showLogin(words);
}

// MARK: What the user does

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('login-button').disabled = true;
  $('login-error').textContent = '';
  const name = $('name').value.trim();
  const user = /^wv:/i.test(name) ? name : 'wv:' + name;
  try {
    const words = await logIn(user, byDigest($('password').value));
    if (words) showLogin(words);
    else $('password').value = '';
  } catch (error) {
    if (!(error instanceof Lost)) throw error;
    showLogin(t('lost'));
  }
});

async function sendMessage(p, words) {
  const message = { id: '', text: words, time: Date.now(), isMine: true, isPending: true };
  show(p, message);
  const content = tag('SendMessage-Request', leaf('DeliveryReport', 'F'), tag('MessageInfo', leaf('ContentType', 'text/plain'),
    leaf('ContentSize', new TextEncoder().encode(words).length), tag('Recipient', tag('User', leaf('UserID', p.key)))),
  leaf('ContentData', words));
  // The same transaction again is the same message: nothing is sent twice.
  const number = ++session.number;
  for (let pause = 1000; session; pause = Math.min(pause * 2, 15000)) {
    try {
      const answer = await session.request(content, { number });
      const status = code(answer);
      message.isPending = false;
      message.id = text(answer, 'MessageID');
      if (status !== 200) {
        message.error = { 531: t('noUser'), 532: t('blocked'), 534: t('blocked'), 507: t('full') }[status]
          || text(answer, 'Description') || String(status);
      }
      break;
    } catch {
      banner(t('lost'));
      await sleep(pause);
    }
  }
  redraw(p, message);
  keep();
}

$('write').addEventListener('submit', (event) => {
  event.preventDefault();
  const words = $('text').value.trim();
  if (!words || !current || !session) return;
  $('text').value = '';
  $('text').style.height = '';
  sendMessage(current, words);
});
$('text').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('write').requestSubmit();
  }
});
$('text').addEventListener('input', () => {
  $('text').style.height = 'auto';
  $('text').style.height = $('text').scrollHeight + 2 + 'px';
});
$('start').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!$('to').value.trim()) return;
  openChat(person($('to').value));
  $('to').value = '';
});
$('back').addEventListener('click', () => {
  current = null;
  drawChat();
  drawPeople();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden || !current) return;
  current.unread = 0;
  drawSoon();
});

function sheet(title, ...content) {
  $('sheet-title').textContent = title;
  $('sheet').onclose = null;
  $('sheet-body').replaceChildren(...content, button('close', () => {}));
  $('sheet').showModal();
}

function button(key, action, className = '') {
  return el('button', { type: 'button', className, onclick: () => { $('sheet').close(); action(); } }, t(key));
}

$('menu').addEventListener('click', () => {
  const state = el('select', { id: 'state' }, ...['AVAILABLE', 'DISCREET', 'NOT_AVAILABLE'].map((s) => el('option', { value: s, selected: s === me.availability }, t(s))));
  const words = el('input', { id: 'words', value: me.words, maxLength: 100 });
  const content = [];
  if (allowed('UPDPR')) {
    content.push(el('label', { htmlFor: 'state' }, t('status')), state, el('label', { htmlFor: 'words' }, t('statusText')), words,
      button('save', () => {
        me = { availability: state.value, words: words.value };
        drawPeople();
        publish().catch(() => banner(t('lost')));
      }, 'main'));
  }
  if (window.Notification?.permission === 'default' && window.isSecureContext) content.push(button('notify', () => Notification.requestPermission()));
  content.push(button('logOut', async () => {
    const who = session;
    $('stay').checked = false;
    await who?.request('<Logout-Request/>').catch(() => {});
    end('');
  }));
  sheet(short(session.user), ...content);
});

$('more').addEventListener('click', () => {
  const p = current;
  const content = [];
  if (allowed('MCLS')) {
    if (p.isContact) {
      content.push(button('remove', () => change(p, tag('RemoveNickList', leaf('UserID', p.key)), p.list)));
    } else {
      const nick = el('input', { id: 'nick', value: p.nick, maxLength: 60 });
      content.push(el('label', { htmlFor: 'nick' }, t('nick')), nick, button('add', () => {
        const name = nick.value.trim();
        change(p, tag('AddNickList', name ? tag('NickName', leaf('Name', name), leaf('UserID', p.key)) : leaf('UserID', p.key)), lists.main);
      }));
    }
  }
  if (allowed('BLENT')) {
    const isBlocked = blockedUsers.has(p.key);
    content.push(button(isBlocked ? 'unblock' : 'block', async () => {
      const change = tag(isBlocked ? 'RemoveList' : 'AddList', leaf('UserID', p.key));
      const answer = await session.request(tag('BlockEntity-Request', tag('BlockList', leaf('InUse', 'T'), change))).catch(() => null);
      if (code(answer) !== 200) return;
      if (isBlocked) blockedUsers.delete(p.key);
      else blockedUsers.add(p.key);
    }));
  }
  sheet(nameOf(p), ...content);
});

/** Changes a contact list, which is made when there is none. */
async function change(p, content, list) {
  try {
    if (!list) {
      list = session.user.replace('@', '/friends@');
      await session.request(tag('CreateList-Request', leaf('ContactList', list)));
    }
    await session.request(tag('ListManage-Request', leaf('ContactList', list), content, leaf('ReceiveList', 'F')));
    await loadContacts();
    drawChat();
  } catch { banner(t('lost')); }
}

// MARK: The beginning

async function start() {
  const link = /^\/m\/([0-9a-f]{32})\.(.+)$/.exec(location.pathname);
  if (link) {
    // Nobody finds it in the history, and a reload does not try it again.
    history.replaceState(null, '', '/');
    showsFirst = true;
    let words = '';
    try {
      words = await logIn(decodeURIComponent(link[2]), byLink(link[1]));
    } catch {
      words = t('lost');
    }
    if (words) {
      showsFirst = false;
      showLogin(words === t('wrong') ? t('linkGone') : words);
    }
    return;
  }
  const kept = store.get('impsd');
  if (!kept?.id) return showLogin();
  $('stay').checked = Boolean(read(localStorage, 'impsd'));
  localStorage.removeItem('impsd');
  domain = kept.domain;
  session = new Session(kept.user, kept.cookie, kept.id);
  // What was asked before must not be taken for what is asked now.
  session.number = kept.number + 1000;
  for (const p of kept.conversations ?? []) people.set(p.key, { ...p, state: 'UNKNOWN', words: '' });
  for (;;) {
    try {
      const answer = await session.request('<KeepAlive-Request/>');
      if (code(answer) !== 200) return end(t('gone'));
      banner('');
      return await begin();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      banner(t('lost'));
      await sleep(3000);
    }
  }
}
start();
