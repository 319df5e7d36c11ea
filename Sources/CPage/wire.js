// CSP 1.3 in XML: documents in and out, and a session that asks until it is answered.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
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

/** There is no way to the server, or nobody waits for the answer any more. */
class Lost extends Error {}

/** A session with the server, or what is to become one; one request after the other. */
class Session {
  constructor(user, cookie, id = '', number = Math.floor(Math.random() * 1e6)) {
    Object.assign(this, { user, cookie, id, number, queue: Promise.resolve(), isOver: false, hasMore: false });
    /** Hears what the server begins, and whether it can be reached. */
    this.onTransaction = this.onConnection = () => {};
  }

  /**
   * Sends a transaction; the primitive that answers it, or null. Without a connection the same transaction is sent again, which
   * the server knows by its number, until the session is over.
   */
  request(content, { mode = 'Request', number = ++this.number, isOutband = false, tries = Infinity } = {}) {
    const result = this.queue.then(() => this.#persist(content, mode, number, isOutband, tries));
    this.queue = result.catch(() => {});
    return result;
  }

  /** Answers what the server began. */
  respond(id, content) { return this.request(content, { mode: 'Response', number: id }); }

  async #persist(content, mode, number, isOutband, tries) {
    for (let pause = 1000; !this.isOver; pause = Math.min(pause * 2, 15000)) {
      try {
        const answer = await this.#exchange(content, mode, number, isOutband);
        this.onConnection(true);
        return answer;
      } catch (error) {
        if (!(error instanceof Lost) || --tries <= 0) throw error;
        this.onConnection(false);
        await sleep(pause);
      }
    }
    throw new Lost('over');
  }

  async #exchange(content, mode, number, isOutband) {
    const descriptor = isOutband ? tag('SessionType', 'Outband') : tag('SessionType', 'Inband') + leaf('SessionID', this.id);
    const body = '<?xml version="1.0" encoding="UTF-8"?>'
      + `<WV-CSP-Message xmlns="${PLACE}IMPS-CSP1.3">${tag('Session', tag('SessionDescriptor', descriptor)
      + tag('Transaction', tag('TransactionDescriptor', tag('TransactionMode', mode) + leaf('TransactionID', number))
      + `<TransactionContent xmlns="${PLACE}IMPS-TRC1.3">${content}</TransactionContent>`))}</WV-CSP-Message>`;
    let answer = '';
    try {
      const response = await fetch('/', {
        method: 'POST', body, headers: { 'Content-Type': 'application/vnd.wv.csp.xml' }, credentials: 'omit', cache: 'no-store',
      });
      // What is refused as it is will be refused again.
      if (!response.ok && (response.status >= 500 || response.status === 408)) throw new Lost(`${response.status}`);
      if (response.ok) answer = await response.text();
    } catch (error) {
      throw error instanceof Lost ? error : new Lost(error.message);
    }
    if (!answer || this.isOver) return null;
    const root = parse(answer);
    this.hasMore = text(root, 'Poll') === 'T';
    let own = null;
    for (const transaction of all(root, 'Transaction')) {
      const primitive = first(transaction, 'TransactionContent')?.firstElementChild;
      if (text(transaction, 'TransactionMode') === 'Response') own ??= primitive;
      else if (primitive) this.onTransaction(primitive, text(transaction, 'TransactionID'));
    }
    return own;
  }
}

const STATUS_OK = tag('Status', tag('Result', leaf('Code', 200)));
const code = (primitive) => Number(text(primitive, 'Code')) || 0;
