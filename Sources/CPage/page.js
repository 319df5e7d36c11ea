// A client of IMPS for browsers. Texts of others only ever become text nodes. This file is the way of a session: logging in, what
// the server says, what the user does; `pack-page.sh` joins it with those beside it.

// MARK: Logging in

const clientID = () => tag('ClientID', leaf('URL', 'impsd:page'));
function loginRequest(who, content) {
  return who.request(tag('Login-Request', leaf('UserID', who.user), clientID(), content, leaf('TimeToLive', 3600),
    leaf('SessionCookie', who.cookie)), { isOutband: true, number: who.loginNumber, tries: who.tries });
}

/** Logs in; the reason in words when that did not work. */
async function logIn(user, credentials, tries = 1) {
  const cookie = [...crypto.getRandomValues(new Uint8Array(9))].map((x) => x.toString(16).padStart(2, '0')).join('');
  const who = new Session(user, cookie);
  Object.assign(who, { loginNumber: 1, tries });
  let answer = await credentials(who);
  let note = '';
  let hasAnswered = false;
  while (answer) {
    const status = code(answer);
    const questions = all(answer, 'SystemMessage').filter((m) => status !== 200 || !text(m, 'SystemMessageID').startsWith('waiting.'));
    // Who came to answer alone gets no session.
    if (status === 200 && !first(answer, 'SessionID')) return t('answered');
    if (status === 200) {
      who.id = text(answer, 'SessionID');
      await begin(who);
      for (const question of questions) answerOne(who, question);
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
const byQuestion = (token) => (who) => loginRequest(who, leaf('Password', 'ask:' + token));
const byLink = (token) => (who) => loginRequest(who, leaf('Password', 'link:' + token));

/** What has to be said at the beginning of a session. */
async function begin(who) {
  session = who;
  who.onTransaction = (primitive, id) => take(who, primitive, id);
  who.onConnection = (isThere) => {
    if (!isThere) banner(t('lost'));
    else if ($('banner').textContent === t('lost')) banner('');
  };
  const functions = ['FundamentalFeat', 'PresenceFeat', 'IMFeat'].map((f) => `<${f}/>`).join('');
  const service = await who.request(tag('Service-Request', tag('Functions', tag('WVCSPFeat', functions)), leaf('AllFunctionsRequest', 'T')));
  const granted = first(service, 'AllFunctions');
  allowed = (name) => !granted || Boolean(first(granted, name));
  await who.request(tag('ClientCapability-Request', clientID(), tag('CapabilityList', leaf('ClientType', 'COMPUTER'),
    leaf('InitialDeliveryMethod', 'P'), leaf('AcceptedContentType', 'text/plain'), leaf('AcceptedContentLength', 100000),
    leaf('SupportedBearer', 'HTTP'), leaf('MultiTrans', 1), leaf('ParserSize', 200000), leaf('ServerPollMin', 2))));
  if (allowed('GETPR')) {
    // What he said of himself before, here or elsewhere, stays.
    const own = first(await who.request(tag('GetPresence-Request', tag('User', leaf('UserID', who.user)))), 'Presence');
    who.user = text(own, 'UserID') || who.user;
    learn(who.user);
    me = { availability: presenceOf(own, 'UserAvailability') || 'AVAILABLE', words: presenceOf(own, 'StatusText') };
  }
  showApp();
  if (!allowed('MM') || !allowed('MP')) banner(t('level'), true);
  if (allowed('GCLI')) await loadContacts(who);
  if (allowed('GLBLU')) {
    const answer = await who.request('<GetBlockedList-Request/>');
    blocked = new Set(all(first(answer, 'BlockList'), 'UserID').map((u) => full(u.textContent)));
  }
  // What was under way when the page was loaded again.
  for (const p of people.values()) p.messages.filter((m) => m.isPending).forEach((m) => deliver(who, p, m));
  loop(who);
}

async function loadContacts(who) {
  const answer = await who.request('<GetList-Request/>');
  const names = all(answer, 'ContactList').map((c) => c.textContent);
  mainList = text(answer, 'DefaultContactList') || names[0] || '';
  for (const p of people.values()) p.isContact = false;
  for (const name of new Set([mainList, ...names].filter(Boolean))) {
    learn(name.replace(/\/[^@]*/, ''));
    const list = await who.request(tag('ListManage-Request', leaf('ContactList', name), leaf('ReceiveList', 'T')));
    for (const user of all(first(list, 'NickList'), 'UserID')) {
      const p = person(user.textContent);
      p.isContact = true;
      p.list = name;
      if (user.parentElement.localName === 'NickName') p.nick = text(user.parentElement, 'Name');
    }
    await who.request(tag('SubscribePresence-Request', leaf('ContactList', name), leaf('AutoSubscribe', 'T')));
  }
  drawPeople();
}

// MARK: What the server says

function take(who, primitive, id) {
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
      authorize(who, text(primitive, 'UserID'));
      break;
    case 'SystemMessage-Request':
      for (const question of all(primitive, 'SystemMessage')) answerOne(who, question);
      break;
    case 'Disconnect':
      return end(t('gone'));
  }
  who.respond(id, answer);
}

function received(primitive, id) {
  learn(text(first(primitive, 'Recipient'), 'UserID'));
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
  if (document.hidden && window.Notification?.permission === 'granted') {
    new Notification(nameOf(p), { body: words.slice(0, 200), tag: p.key });
  }
}

/** What somebody lets be seen of an attribute; empty for nothing. */
function presenceOf(presence, name) {
  const attribute = first(first(presence, 'PresenceSubList'), name);
  return text(attribute, 'Qualifier') === 'T' ? text(attribute, 'PresenceValue') : '';
}

function seen(presence) {
  const p = person(text(presence, 'UserID'));
  const online = presenceOf(presence, 'OnlineStatus');
  const availability = presenceOf(presence, 'UserAvailability');
  const isKnown = ['AVAILABLE', 'DISCREET', 'NOT_AVAILABLE'].includes(availability);
  p.state = online === 'F' ? 'OFFLINE' : online !== 'T' ? 'UNKNOWN' : isKnown ? availability : 'AVAILABLE';
  p.words = online === 'T' ? presenceOf(presence, 'StatusText') : '';
  drawSoon();
  if (p === current) drawWith();
}

async function answerOne(who, question) {
  let status = 0;
  do {
    const answer = await ask(question, status === 402 ? t('noKey') : '');
    if (answer.option === null) return;
    status = code(await who.request(tag('SystemMessage-User', responses([answer]))));
  } while (status === 402);
  // It may have put somebody on the list.
  if (allowed('GCLI')) await loadContacts(who);
}

async function authorize(who, user) {
  const answer = await choose(t('asks', short(user)), [['T', t('allow')], ['F', t('deny')]]);
  if (answer) await who.request(tag('PresenceAuth-User', leaf('UserID', user), leaf('Acceptance', answer)));
}

/** Asks now and then, as long as the session is there. */
async function loop(who) {
  while (!who.isOver) {
    const answer = await who.request('<Polling-Request/>', { number: '' });
    if (answer?.localName === 'Status' && [600, 604, 502].includes(code(answer))) return end(t('gone'));
    if (!who.hasMore) await sleep(document.hidden ? 8000 : 2000);
  }
}

function end(words) {
  if (session) session.isOver = true;
  forget();
  localStorage.removeItem('impsd');
  sessionStorage.removeItem('impsd');
  banner('');
  askNothing();
  showLogin(words);
}

// What still waits for an answer of a session that is over waits in vain.
addEventListener('unhandledrejection', (event) => { if (event.reason instanceof Lost) event.preventDefault(); });

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
    showLogin(t('noWay'));
  }
});

/** Sends a message until it is answered; the same transaction is the same message, so nothing is sent twice. */
async function deliver(who, p, message) {
  message.number ??= ++who.number;
  const answer = await who.request(tag('SendMessage-Request', leaf('DeliveryReport', 'F'), tag('MessageInfo',
    leaf('ContentType', 'text/plain'), leaf('ContentSize', new TextEncoder().encode(message.text).length),
    tag('Recipient', tag('User', leaf('UserID', p.key)))), leaf('ContentData', message.text)), { number: message.number });
  const status = code(answer);
  message.isPending = false;
  message.id = text(answer, 'MessageID');
  if (status !== 200) {
    message.error = { 531: t('noUser'), 532: t('blocked'), 534: t('blocked'), 507: t('full') }[status]
      || text(answer, 'Description') || String(status);
  }
  redraw(message);
}

$('write').addEventListener('submit', (event) => {
  event.preventDefault();
  const words = $('text').value.trim();
  if (!words || !current || !session) return;
  $('text').value = '';
  $('text').style.height = '';
  const message = { id: '', text: words, time: Date.now(), isMine: true, isPending: true };
  show(current, message);
  deliver(session, current, message);
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
  if (document.hidden) keep();
  else if (current) {
    current.unread = 0;
    drawSoon();
  }
});

$('menu').addEventListener('click', () => {
  const state = el('select', { id: 'state' }, ...['AVAILABLE', 'DISCREET', 'NOT_AVAILABLE'].map((s) => el('option', { value: s, selected: s === me.availability }, t(s))));
  const words = el('input', { id: 'words', value: me.words, maxLength: 100 });
  const content = [];
  if (allowed('UPDPR')) {
    content.push(el('label', { htmlFor: 'state' }, t('status')), state, el('label', { htmlFor: 'words' }, t('statusText')), words,
      button('save', () => {
        me = { availability: state.value, words: words.value };
        drawPeople();
        const value = (name, value) => tag(name, leaf('Qualifier', 'T'), leaf('PresenceValue', value));
        session.request(tag('UpdatePresence-Request', tag('PresenceSubList',
          value('UserAvailability', me.availability), value('StatusText', me.words))));
      }, 'main'));
  }
  if (window.Notification?.permission === 'default' && window.isSecureContext) content.push(button('notify', () => Notification.requestPermission()));
  content.push(button('logOut', async () => {
    $('stay').checked = false;
    await session.request('<Logout-Request/>', { tries: 1 }).catch(() => {});
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
        change(p, tag('AddNickList', name ? tag('NickName', leaf('Name', name), leaf('UserID', p.key)) : leaf('UserID', p.key)), mainList);
      }));
    }
  }
  if (allowed('BLENT')) {
    const isBlocked = blocked.has(p.key);
    content.push(button(isBlocked ? 'unblock' : 'block', async () => {
      const change = tag(isBlocked ? 'RemoveList' : 'AddList', leaf('UserID', p.key));
      const answer = await session.request(tag('BlockEntity-Request', tag('BlockList', leaf('InUse', 'T'), change)));
      if (code(answer) === 200) blocked[isBlocked ? 'delete' : 'add'](p.key);
    }));
  }
  sheet(nameOf(p), ...content);
});

/** Changes a contact list, which is made when there is none. */
async function change(p, content, list) {
  const who = session;
  if (!list) {
    list = who.user.replace('@', '/friends@');
    await who.request(tag('CreateList-Request', leaf('ContactList', list)));
  }
  await who.request(tag('ListManage-Request', leaf('ContactList', list), content, leaf('ReceiveList', 'F')));
  await loadContacts(who);
  drawChat();
}

// MARK: The beginning and the end

function read(storage) { try { return JSON.parse(storage.getItem('impsd')); } catch { return null; } }

/** Keeps the session for a reload of this tab. */
function keep() {
  if (!session) return;
  const { user, cookie, id, number } = session;
  const conversations = [...people.values()].filter((p) => p.messages.length)
    .map(({ key, nick, unread, messages }) => ({ key, nick, unread, messages: messages.slice(-100) }));
  try {
    sessionStorage.setItem('impsd', JSON.stringify({ user, cookie, id, number, domain, conversations }));
  } catch { /* A full storage keeps what was there. */ }
}

addEventListener('pagehide', () => {
  keep();
  // Beyond the tab only when the user wants it. One tab at a time has the session: another finds nothing while this one runs.
  if (session && $('stay').checked) localStorage.setItem('impsd', sessionStorage.getItem('impsd'));
});

async function start() {
  forget();
  const link = /^\/m\/([0-9a-f]{32})\.(.+)$/.exec(location.pathname);
  if (link) {
    // Nobody finds it in the history, and a reload does not try it again.
    history.replaceState(null, '', '/');
    showsFirst = true;
    const words = await logIn(decodeURIComponent(link[2]), byLink(link[1]), Infinity);
    if (!words) return;
    showsFirst = false;
    return showLogin(words === t('wrong') ? t('linkGone') : words);
  }
  const question = /^\/q\/([0-9a-f]{16})\.(.+)$/.exec(location.pathname);
  if (question) {
    history.replaceState(null, '', '/');
    const words = await logIn(decodeURIComponent(question[2]), byQuestion(question[1]), Infinity);
    showLogin(words === t('answered') ? '' : words === t('wrong') ? t('linkGone') : words);
    return words === t('answered') && banner(words, true);
  }
  const kept = read(sessionStorage) ?? read(localStorage);
  if (!kept?.id) return showLogin();
  $('stay').checked = Boolean(read(localStorage));
  localStorage.removeItem('impsd');
  domain = kept.domain;
  for (const { key, ...values } of kept.conversations) Object.assign(person(key), values);
  // What was asked before must not be taken for what is asked now.
  const who = new Session(kept.user, kept.cookie, kept.id, kept.number + 1000);
  who.onConnection = (isThere) => banner(isThere ? '' : t('lost'));
  if (code(await who.request('<KeepAlive-Request/>')) !== 200) return end(t('gone'));
  await begin(who);
}
start();
