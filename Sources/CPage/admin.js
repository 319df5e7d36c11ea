// The operator's page: what `impsctl` says, asked for by the same commands, and drawn.

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en');
const octets = (count) => {
  const units = ['octets', 'KB', 'MB', 'GB'];
  let place = 0;
  while (count >= 1024 && place < 3) { count /= 1024; place++; }
  return `${number.format(place ? Math.round(count * 10) / 10 : count)} ${units[place]}`;
};
const duration = (seconds) => {
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = parts.findIndex(([size]) => seconds >= size);
  return at < 0 ? '0 s' : parts.slice(at, at + 2)
    .map(([size, name], i, all) => `${Math.floor((i ? seconds % all[i - 1][0] : seconds) / size)} ${name}`).join(' ');
};
const moment = (seconds) => seconds > 0 ? new Date(seconds * 1000).toLocaleString('en-GB') : '';

/** What stands in an answer as `\xNN`, and back. */
const read = (word) => {
  if (!word.includes('\\x')) return word;
  const bytes = [];
  for (let i = 0; i < word.length; i++) {
    if (word.startsWith('\\x', i)) { bytes.push(parseInt(word.slice(i + 2, i + 4), 16)); i += 3; } else bytes.push(word.charCodeAt(i));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
};
const write = (word) => [...new TextEncoder().encode(word)]
  .map((c) => c > 0x20 && c < 0x7f && c !== 0x5c ? String.fromCharCode(c) : `\\x${c.toString(16).padStart(2, '0')}`).join('');
const record = (line) => Object.fromEntries(line.split(' ').map((field) => {
  const at = field.indexOf('=');
  return [field.slice(0, at), read(field.slice(at + 1))];
}));

class Refused extends Error {}
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Does a command; its records, and whether there were more than `most`. One at a time: the engine does no more. */
let before = Promise.resolve();
const command = (...words) => {
  const next = before.then(() => perform(words));
  before = next.catch(() => {});
  return next;
};
const most = 20000;
async function perform(words, tries = 5) {
  const end = new AbortController();
  // The address in the browser may have the password in it, which it refuses to ask by.
  const answer = await fetch(new URL('/admin/command', location.origin), {
    method: 'POST', body: `${words.map(write).join(' ')}\n`, headers: { 'Content-Type': 'text/plain' },
    signal: end.signal, cache: 'no-store',
  });
  if (answer.status === 503 && tries) { await pause(500); return perform(words, tries - 1); }
  if (!answer.ok) throw new Error(`the engine answers ${answer.status}`);
  const records = [];
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? '';
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === 'ok') return { records, isCut: false };
      if (line.startsWith('error ')) throw new Refused(line.replace(/^error \S+ /, ''));
      records.push(record(line));
    }
    if (records.length >= most) { end.abort(); return { records, isCut: true }; }
    if (done) throw new Error('the answer ended in the middle');
  }
}

const make = (name, fields = {}, ...children) => {
  const node = Object.assign(document.createElement(name), fields);
  node.append(...children);
  return node;
};
const seen = new Map();
/** Puts a table there, unless it is what stands there: who is in it with the keyboard stays. */
function put(place, columns, answer, nothing) {
  const now = JSON.stringify(answer);
  if (seen.get(place) === now) return;
  seen.set(place, now);
  $(place).replaceChildren(...table(columns, answer, nothing));
}
/** A table; a column is its title, what to show, and whether that is a number. */
function table(columns, { records, isCut }, nothing) {
  if (!records.length) return [make('p', { className: 'dim', textContent: nothing })];
  const head = make('tr', {}, ...columns.map(([title, , isNumber]) =>
    make('th', { scope: 'col', textContent: title, className: isNumber ? 'n' : '' })));
  const rows = records.slice(0, 500).map((one) => make('tr', {}, ...columns.map(([, show, isNumber]) =>
    make('td', { className: isNumber ? 'n' : '' }, show(one) ?? ''))));
  const left = records.length - rows.length;
  const note = left || isCut ? [make('p', { className: 'dim', textContent: `and ${number.format(left)}${isCut ? ' or more' : ''} others; impsctl lists them all` })] : [];
  return [make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)), ...note];
}
const count = (key) => (one) => number.format(Number(one[key] ?? 0));

// What is drawn.

let written = null;
function showStatus({ records }) {
  const status = Object.assign({}, ...records.filter((one) => !one.pool));
  const value = (key) => Number(status[key] ?? 0);
  $('engine').textContent = `version ${status.version}, up ${duration(value('uptime_s'))}`;
  const figures = [
    ['Sessions', number.format(value('sessions'))], ['Logins', number.format(value('logins'))],
    ['Logins refused', number.format(value('auth_failures'))], ['Messages accepted', number.format(value('accepted'))],
    ['Messages delivered', number.format(value('delivered'))], ['Messages expired', number.format(value('expired'))],
    ['Requests', number.format(value('requests'))], ['Told while offline', number.format(value('notified'))],
    ['Store', `${octets(value('pages') * value('page_bytes'))} of ${octets(value('pages_max') * value('page_bytes'))}`],
    ['Longest commit', `${number.format(value('commit_ms_most'))} ms`],
  ];
  $('figures').replaceChildren(...figures.map(([name, words]) =>
    make('li', {}, make('span', { textContent: name }), make('b', { textContent: words }))));
  const pools = records.filter((one) => one.pool);
  const troubles = [];
  if (!['ended', 'none', ''].includes(status.last_exit ?? '')) troubles.push(`The run before did not end as it should: ${status.last_exit}. Look for LAST-EXIT among the records.`);
  if (status.room === '0') troubles.push('The store has no room: new messages are refused. Raise db_kb.');
  if (value('commits_failed')) troubles.push(`${value('commits_failed')} commits failed: look at the volume.`);
  if (status.clock === 'untrusted') troubles.push('Nobody has told the clock the time: nothing expires, and no time is told.');
  for (const pool of pools) if (Number(pool.refused)) troubles.push(`${pool.pool}: ${number.format(Number(pool.refused))} times there was no place left.`);
  $('troubles').replaceChildren(...troubles.map((words) => make('li', { textContent: words })));
  $('troubles').hidden = !troubles.length;
  written = { day: value('written_kb_day') * 1024, all: value('written_kb') * 1024, up: value('uptime_s'), budget: value('flash_budget_kb_day') * 1024, volume: value('volume_kb') * 1024, mode: status.mode };
  showFlash();
  put('pools', [
    ['Pool', (one) => one.pool], ['Places', count('count'), 1], ['Octets each', count('bytes'), 1],
    ['In use', count('used'), 1], ['At most so far', count('most'), 1], ['Refused', count('refused'), 1],
  ], { records: pools }, 'none');
}

function showFlash() {
  const { day, all, up, budget, volume, mode } = written;
  $('flash').textContent = `${octets(day)} written in the last 24 hours, of ${octets(budget)} that are planned; ${octets(all)} since the start. `
    + (mode === 'flash' ? 'The store lies on the volume.' : 'The store lies in memory and is copied to the volume.');
  // Less than a day says what a day will be.
  const rate = up < 86400 ? all * 86400 / Math.max(up, 1) : day;
  const years = volume * Number($('erasures').value) / Math.max(rate, 1) / 365;
  $('years').textContent = !volume ? 'How large the volume is cannot be told.'
    : up < 600 ? 'In ten minutes there is enough to say how long the volume will last.'
    : years > 100 ? `At this rate the volume of ${octets(volume)} lasts more than 100 years, if it spreads the wear evenly.`
    : `At this rate the volume of ${octets(volume)} lasts ${number.format(Math.round(years * 10) / 10)} years, if it spreads the wear evenly.`;
}

function showSessions(answer) {
  put('sessions', [
    ['User', (one) => one.user], ['Version', (one) => one.version, 1], ['Level', (one) => one.asked === '1' ? 'is asked' : one.level],
    ['Idle', (one) => duration(Number(one.idle_s)), 1], ['Called by', (one) => one.call], ['Client', (one) => one.agent],
  ], answer, 'Nobody.');
}

function showQueues({ records, isCut }) {
  const waiting = records.filter((one) => Number(one.waiting)).sort((a, b) => b.waiting - a.waiting);
  put('queues', [
    ['User', (one) => one.user], ['Messages', count('waiting'), 1], ['Octets', count('waiting_bytes'), 1],
    ['Sessions', count('sessions'), 1],
  ], { records: waiting, isCut }, `For none of ${number.format(records.length)} users.`);
}

function showNotes(answer) {
  put('notes', [
    ['User', (one) => one.user], ['State', (one) => one.state], ['By', (one) => one.by], ['Why', (one) => one.why],
    ['Tries', count('tries'), 1], ['When', (one) => moment(Number(one.due) || Number(one.at))],
  ], answer, 'Nobody.');
}

function showMessages(answer) {
  put('messages', [
    ['Name', (one) => one.name], ['State', (one) => one.state], ['When', (one) => one.kind], ['Whom', (one) => one.of ? `${one.audience}: ${one.of}` : one.audience],
    ['What to do', (one) => {
      const look = make('button', { type: 'button', textContent: 'Answers', ariaLabel: `Answers to ${one.name}` });
      look.addEventListener('click', () => showMessage(one.name).catch(fail));
      if (one.state !== 'active') return look;
      const end = make('button', { type: 'button', textContent: 'End', ariaLabel: `End ${one.name}` });
      end.addEventListener('click', () => endMessage(one.name).catch(fail));
      return make('span', {}, look, end);
    }],
  ], answer, 'None.');
}

const drawn = 'http://www.w3.org/2000/svg';
const draw = (name, fields, words) => {
  const node = document.createElementNS(drawn, name);
  for (const [key, value] of Object.entries(fields)) node.setAttribute(key, value);
  if (words) node.textContent = words;
  return node;
};
/** Bars that lie, each with its name and number. */
function lying(rows) {
  const top = Math.max(1, ...rows.map(([, value]) => value));
  const picture = draw('svg', { viewBox: `0 0 640 ${rows.length * 38}`, role: 'img', 'aria-label': rows.map(([name, value]) => `${name}: ${value}`).join('; ') });
  rows.forEach(([name, value], place) => {
    picture.append(draw('text', { x: 0, y: place * 38 + 13 }, name.length > 80 ? `${name.slice(0, 79)}…` : name),
      draw('rect', { x: 0, y: place * 38 + 18, width: Math.max(value ? 2 : 0, 560 * value / top), height: 14, rx: 3 }),
      draw('text', { x: 568 * value / top + 6, y: place * 38 + 30 }, number.format(value)));
  });
  return picture;
}
/** Bars that stand, over the time from the first to the last. */
function standing(times) {
  const start = Math.min(...times);
  const span = Math.max(...times) - start;
  const size = [60, 600, 3600, 21600, 86400, 604800, 2592000].find((one) => span / one < 40) ?? 31536000;
  const bars = new Array(Math.floor(span / size) + 1).fill(0);
  for (const time of times) bars[Math.floor((time - start) / size)]++;
  const top = Math.max(...bars);
  const width = Math.min(40, 640 / bars.length);
  const picture = draw('svg', { viewBox: '0 0 640 150', role: 'img', 'aria-label': `${times.length} answers from ${moment(start)} to ${moment(start + span)}, at most ${top} in ${duration(size)}` });
  bars.forEach((value, place) => picture.append(draw('rect', { x: place * width, y: 120 - 100 * value / top, width: Math.max(1, width - 2), height: 100 * value / top })));
  picture.append(draw('line', { x1: 0, y1: 120.5, x2: 640, y2: 120.5 }), draw('text', { x: 0, y: 140 }, moment(start)),
    draw('text', { x: 0, y: 12 }, `at most ${number.format(top)} in ${duration(size)}`));
  if (span > 0) picture.append(draw('text', { x: 640, y: 140, 'text-anchor': 'end' }, moment(start + span)));
  return picture;
}

async function showMessage(name) {
  say(`Reading what was answered to ${name} …`);
  const shown = await command('sysmsg', 'show', name);
  const results = await command('sysmsg', 'results', name);
  const events = await command('sysmsg', 'journal', name);
  const options = shown.records.filter((one) => one.option !== undefined);
  const words = shown.records.find((one) => one.text !== undefined && one.option === undefined)?.text ?? '';
  const tally = new Map(options.map((one) => [one.option, 0]));
  let open = 0;
  for (const one of results.records) {
    if (one.state === 'answered' || one.answered > 0) tally.set(one.option, (tally.get(one.option) ?? 0) + 1); else open++;
  }
  const rows = options.map((one) => [`${one.option} ${one.text} (${one.grant})`, tally.get(one.option)]);
  rows.push(['asked, and no answer', open]);
  const times = events.records.filter((one) => one.event === 'answered' && Number(one.at) > 0).map((one) => Number(one.at));
  const cut = results.isCut || events.isCut ? [make('p', { className: 'dim', textContent: `Only the first ${number.format(most)} are counted; impsctl counts all.` })] : [];
  $('message').replaceChildren(make('h3', { textContent: name }), make('p', { textContent: words }), lying(rows),
    make('h3', { textContent: 'Answers over time' }), times.length ? standing(times) : make('p', { className: 'dim', textContent: 'None yet.' }), ...cut);
  $('message').hidden = false;
  say('');
}

async function endMessage(name) {
  $('sure-text').textContent = `End ${name}? Nobody is asked any more; what was answered is kept.`;
  $('sure').returnValue = 'no';
  $('sure').showModal();
  await new Promise((done) => $('sure').addEventListener('close', done, { once: true }));
  if ($('sure').returnValue !== 'yes') return;
  await command('sysmsg', 'end', name);
  await refresh();
  say(`${name} has ended.`);
}

/** Pieces of a text that fit into a word of a command each. */
function pieces(text) {
  const parts = [''];
  let size = 0;
  for (const character of text) {
    const more = new TextEncoder().encode(character).length;
    if (size + more > 400) { parts.push(''); size = 0; }
    parts[parts.length - 1] += character;
    size += more;
  }
  return parts;
}

async function add() {
  const words = ['sysmsg', 'add', $('a-name').value.trim(), `kind=${$('a-kind').value}`, `audience=${$('a-audience').value.trim()}`,
    ...pieces($('a-text').value.trim()).map((part) => `text=${part}`),
    ...$('a-options').value.split('\n').map((line) => line.trim()).filter(Boolean).map((line) => `option=${line}`)];
  if ($('a-required').checked) words.push('required=1');
  if ($('a-blocking').checked) words.push('blocking=1');
  await command(...words);
  $('add').reset();
  await refresh();
  say(`${words[2]} has begun.`);
}

// What happens.

const say = (words) => { $('state').textContent = words; };
const fail = (error) => {
  console.warn(error);
  say(error instanceof Refused ? error.message : 'The engine does not answer; what you see is what it said before.');
};

async function refresh() {
  showStatus(await command('status'));
  showSessions(await command('sessions'));
  showMessages(await command('sysmsg', 'list'));
  showNotes(await command('notifications'));
  showQueues(await command('user', 'list'));
  const { records } = await command('log');
  $('log').textContent = records.map((one) => one.record).reverse().join('\n');
}
const renew = () => refresh().then(() => say(`As of ${new Date().toLocaleTimeString('en-GB')}.`)).catch(fail);

$('refresh').addEventListener('click', renew);
$('erasures').addEventListener('change', showFlash);
$('add').addEventListener('submit', (event) => {
  event.preventDefault();
  $('add-error').textContent = '';
  add().catch((error) => { $('add-error').textContent = error.message; });
});
// Only what is seen is asked for.
setInterval(() => { if (document.visibilityState === 'visible') renew(); }, 15000);
renew();
