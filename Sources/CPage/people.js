// Who is known, and what is shown of them: the list, and the conversation that is open.

const $ = (id) => document.getElementById(id);

function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** What belongs to the user who is logged in, and to nobody after him. */
let session, people, current, mainList, blocked, me, showsFirst;
/** Whether a function, by its name in the service tree, is part of what he has. */
let allowed;
/** That of this server; empty until an address of it was seen. */
let domain = '';

function forget() {
  session = current = null;
  people = new Map();
  mainList = '';
  blocked = new Set();
  me = { availability: 'AVAILABLE', words: '' };
  showsFirst = false;
  allowed = () => true;
  items.clear();
  $('list').replaceChildren();
  $('log').replaceChildren();
}

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
function learn(address) {
  if (domain || !address.includes('@')) return;
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

/** Elements of the conversation that is open, by message. */
let lines = new WeakMap();

function line(message) {
  const time = new Date(message.time).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
  const p = el('p', { className: (message.isMine ? 'mine' : '') + (message.error ? ' failed' : '') }, message.text);
  p.append(el('small', { textContent: message.error ? t('failed', message.error) : message.isPending ? '…' : time }));
  return p;
}

function drawWith() {
  $('with').replaceChildren(nameOf(current), el('small', { textContent: current.words || t(current.state) }));
}

function drawChat() {
  $('app').classList.toggle('talking', Boolean(current));
  $('write').hidden = !current || !allowed('MM');
  $('more').hidden = !current;
  $('with').hidden = !current;
  if (!current) return $('log').replaceChildren();
  drawWith();
  lines = new WeakMap(current.messages.map((message) => [message, line(message)]));
  $('log').replaceChildren(...current.messages.map((message) => lines.get(message)));
  $('log').scrollTop = $('log').scrollHeight;
}

function openChat(p) {
  current = p;
  p.unread = 0;
  drawPeople();
  drawChat();
  if (allowed('MM')) $('text').focus();
}

/** Adds one message; what is there already is not drawn again. */
function show(p, message) {
  p.messages.push(message);
  if (p === current) {
    const log = $('log');
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    const element = line(message);
    lines.set(message, element);
    log.append(element);
    if (isAtEnd || message.isMine) log.scrollTop = log.scrollHeight;
  }
  drawSoon();
}

function redraw(message) {
  const fresh = line(message);
  lines.get(message)?.replaceWith(fresh);
  lines.set(message, fresh);
}
