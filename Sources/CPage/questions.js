// What the user is asked, one after the other, and the sheets that he opens himself.

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
      dialog.oncancel = dialog.onclose = null;
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
      if (!required) end(options.length ? null : '');
    };
    // Browsers close it at the second try, whatever it says.
    dialog.onclose = () => dialog.showModal();
    dialog.showModal();
    dialog.scrollTop = 0;
  }));
  asking = result;
  return result;
}

const responses = (answers) => tag('SystemMessageResponseList', ...answers.map((a) => tag('SystemMessageResponse',
  leaf('SystemMessageID', a.id), a.option ? leaf('ChosenOptionID', a.option) : '', a.key ? leaf('VerificationKey', a.key) : '')));

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

/** Closes everything that somebody is asked who is not there any more. */
function askNothing() {
  $('question').onclose = $('sheet').onclose = null;
  $('question').close();
  $('sheet').close();
  asking = Promise.resolve();
}

function sheet(title, ...content) {
  $('sheet-title').textContent = title;
  $('sheet').onclose = null;
  $('sheet-body').replaceChildren(...content, button('close', () => {}));
  $('sheet').showModal();
}

function button(key, action, className = '') {
  return el('button', { type: 'button', className, onclick: () => { $('sheet').close(); action(); } }, t(key));
}
