/* The teller page: asking, the stream of the answer, history and keys. */
(function () {
  'use strict';

  const el = guidaCard.el, add = guidaCard.add, clear = guidaCard.clear, dayOf = guidaCard.dayOf, stamp = guidaCard.stamp;
  const HISTORY_KEY = 'guida.history', PROSE_KEY = 'guida.prose', HISTORY_MOST = 30, RECENT_MOST = 5;
  const CARD_WAIT = 10000, STATUS_EVERY = 60000;
  const $ = function (id) { return document.getElementById(id); };

  /* What is on the screen. `prose` is null or { text, broken, notes, running }. */
  const now = { card: null, prose: null, id: 0, xhr: null, session: null };
  const panel = guidaPanel.attach($('panel'), {
    day: function () { return now.card ? now.card.as_of : null; }, home: $('question'), announce: announce
  });
  let history = load();

  document.body.classList.add('scripted');

  /* ---- Asking ---- */

  /* Asks; `chosen` is null or { label, day } of the card whose choice was taken; `alone` drops what was asked before. */
  function ask(question, chosen, alone) {
    if (alone) { begin(); }
    question = question.trim();
    if (!question) { $('question').focus(); return; }
    const day = chosen ? chosen.day : dayOf($('as-of').value);
    if (day === null) {
      $('as-of').focus();
      $('as-of').select();
      toast('规则日期请写成 2026-01-01 的样子,不填为今天');
      return;
    }
    stop(true);
    panel.close(false);
    $('question').value = question;
    const request = { question: question, prose: !$('prose-choice').hidden && $('want-prose').checked, recent_documents: recent() };
    if (chosen) { request.choice = chosen.label; }
    if (day) { request.as_of = day; }
    if (now.session) { request.session = now.session; }
    $('send').disabled = true;
    $('main').setAttribute('aria-busy', 'true');
    now.xhr = stream(request);
  }

  /* XMLHttpRequest, because Firefox 60 cannot read a fetch as it arrives. */
  function stream(request) {
    const xhr = new XMLHttpRequest();
    let read = 0, started = false;
    const late = setTimeout(function () {
      xhr.onreadystatechange = xhr.onprogress = null;
      xhr.abort();
      settle({ code: 'TIMEOUT', message: '服务没有及时回答', hint: '请再试一次;仍无回答时请联系网点科技人员' });
    }, CARD_WAIT);
    function settle(error) {
      clearTimeout(late);
      if (now.xhr === xhr) { now.xhr = null; }
      $('send').disabled = false;
      $('main').removeAttribute('aria-busy');
      if (!error) { return; }
      if (!started) { fail(error, request); } else { end(error); }
    }
    function take() {
      if (xhr.status !== 200) { return; }
      let at;
      while ((at = xhr.responseText.indexOf('\n\n', read)) >= 0) {
        const block = xhr.responseText.slice(read, at);
        read = at + 2;
        const name = /^event: (.*)$/m.exec(block), data = /^data: (.*)$/m.exec(block);
        if (!name || !data) { continue; }
        if (name[1] === 'card') {
          started = true;
          clearTimeout(late);
          $('send').disabled = false;
          $('main').removeAttribute('aria-busy');
        }
        happen(name[1], JSON.parse(data[1]), request);
      }
    }
    xhr.open('POST', '/api/v1/ask');
    xhr.setRequestHeader('Content-Type', 'application/json');
    xhr.setRequestHeader('Accept', 'text/event-stream');
    xhr.onprogress = take;
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      take();
      if (xhr.status === 200) {
        settle(started && !(now.prose && now.prose.running) ? null
          : { code: 'IO', message: '与服务的连接中断', hint: '请再问一次' });
      } else if (xhr.status === 0) {
        settle({ code: 'IO', message: '连接不上柜答服务', hint: '请检查网络;其他柜台也打不开时请联系网点科技人员' });
      } else {
        settle(guidaPanel.problem(xhr.responseText));
      }
    };
    xhr.send(JSON.stringify(request));
    return xhr;
  }

  function happen(name, data, request) {
    if (name === 'card') {
      now.session = data.session || null;
      remember(data);
      show(data, request.prose && !data.refused ? { text: '', broken: false, notes: [], running: true, progress: '正在准备…' } : null);
      mark('card');
    } else if (now.prose && name === 'progress') {
      now.prose.progress = guidaCard.progress(data);
      drawProse();
    } else if (now.prose && name === 'token') {
      now.prose.text += data.text;
      drawProse();
      mark('token');
    } else if (now.prose && name === 'done') {
      if (data.text !== null) { finish(data); } else { now.prose = null; drawProse(); }
    } else if (name === 'error') {
      end(data);
    }
  }

  /* Moments of an answer on the browser's own timeline. */
  function mark(name) { if (window.performance && performance.mark) { performance.mark('guida-' + name); } }

  function finish(done) {
    const prose = now.prose;
    prose.text = done.text;
    prose.running = false;
    prose.progress = '';
    if (done.stats && done.stats.finish === 'cancelled') { prose.broken = true; }
    if (done.struck && done.struck.length) { prose.notes.push('有 ' + done.struck.length + ' 句因数字、日期或条款在依据中查不到而删去。'); }
    if (!done.text && !(done.struck && done.struck.length)) { prose.notes.push('模型没有写出说明。'); }
    if (done.left_out && done.left_out.length) { prose.notes.push('依据 ' + done.left_out.join('、') + ' 因篇幅未供生成参考,请直接看原文。'); }
    if (done.stats && (done.stats.finish === 'length' || done.stats.finish === 'time')) { prose.notes.push('已到长度或时间上限,说明可能不完整。'); }
    if (done.cached) { prose.notes.push('此前为同一问题生成并核对过,直接取用。'); }
    if (done.model) { prose.notes.push('模型 ' + done.model.name + (done.AIGC ? ' · 编号 ' + done.AIGC.ProduceID : '')); }
    drawProse();
    keepProse();
  }

  function end(error) {
    if (!now.prose) { return; }
    now.prose.running = false;
    now.prose.broken = true;
    now.prose.progress = '';
    now.prose.bad = error.message + (error.hint ? '。' + error.hint : '');
    drawProse();
    keepProse();
  }

  function stop(silent) {
    const xhr = now.xhr;
    if (!xhr) { return false; }
    now.xhr = null;
    xhr.onreadystatechange = xhr.onprogress = null;
    xhr.abort();
    $('send').disabled = false;
    $('main').removeAttribute('aria-busy');
    if (now.prose && now.prose.running) {
      end({ message: '已停止生成', hint: '' });
    } else if (!silent) {
      announce('已取消');
    }
    return true;
  }

  /* ---- Showing ---- */

  function show(card, prose, when) {
    now.card = card;
    now.prose = prose;
    $('welcome').hidden = true;
    guidaCard.draw($('card'), card, { open: panel.open, copy: copy, print: print, when: when,
      choose: function (label) { ask(card.question, { label: label, day: card.as_of }); }, alone: function () { ask(card.asked, null, true); },
      prose: function () { $('prose').scrollIntoView({ block: 'center' }); } });
    drawProse();
    drawHistory();
    window.scrollTo(0, 0);
    $('fresh').hidden = !now.session;
    announce(card.refused ? guidaCard.verdict(card).word + '。' + card.refusal.reason : '结论:' + card.conclusion + '。依据 ' + card.citations.length + ' 条。');
  }

  function fail(error, request) {
    now.card = now.prose = null;
    $('welcome').hidden = true;
    add(clear($('card')), el('div', { class: 'failure' },
      el('div', { class: 'verdict none' }, el('span', { class: 'word' }, '未能回答'),
        el('div', null, el('p', { class: 'said' }, error.message), el('p', { class: 'source' }, error.hint))),
      el('button', { class: 'tool', type: 'button', onclick: function () { ask(request.question, request.choice ? { label: request.choice, day: request.as_of } : null); } }, '再试一次'),
      el('span', { class: 'code' }, ' ' + error.code)));
    $('card').hidden = false;
    drawProse();
    announce('未能回答。' + error.message);
  }

  function drawProse() {
    const place = $('prose'), prose = now.prose;
    place.hidden = !prose;
    /* The prose begins below the first screen; the card's head says how it is doing. */
    if ($('to-prose')) {
      $('to-prose').hidden = !prose;
      $('to-prose').textContent = !prose ? '' : prose.running ? prose.progress + ' ↓' : prose.broken ? '说明未完成 ↓' : '看说明 ↓';
    }
    if (!prose) { clear(place); return; }
    if (!place.firstChild || place.firstChild.guida !== prose) {
      const head = el('div', { class: 'prose-head' }, el('h2', null, '说明'), el('span', { class: 'aigc' }, guidaCard.LABEL),
        el('span', { class: 'progress' }),
        el('button', { class: 'tool', type: 'button', id: 'stop', onclick: function () { stop(false); } }, '停止'));
      head.guida = prose;
      add(clear(place), [head, el('div', { class: 'prose-text' }), el('div', { class: 'prose-notes' })]);
    }
    place.querySelector('.progress').textContent = prose.progress || '';
    $('stop').hidden = !prose.running;
    add(clear(place.querySelector('.prose-text')), references(prose.text));
    add(clear(place.querySelector('.prose-notes')), [
      prose.bad ? el('p', { class: 'prose-note bad' }, prose.bad + (prose.text ? '(以上内容未完成)' : '')) : null,
      prose.notes.length ? el('p', { class: 'prose-note' }, prose.notes.join(' ')) : null
    ]);
  }

  /* [n] becomes a button to the card's clause n. */
  function references(text) {
    return text.split(/(\[\d{1,2}\])/).map(function (piece) {
      const n = /^\[(\d{1,2})\]$/.exec(piece);
      if (!n || !citation(Number(n[1]))) { return piece; }
      return el('button', { class: 'ref', type: 'button', title: '看依据 ' + n[1], onclick: function () { flash(Number(n[1])); } }, n[1]);
    });
  }

  function citation(n) {
    return now.card ? now.card.citations.filter(function (c) { return c.n === n; })[0] : undefined;
  }

  function flash(n) {
    const place = $('cite-' + n);
    if (!place) { return; }
    place.scrollIntoView({ block: 'center' });
    place.classList.add('flash');
    setTimeout(function () { place.classList.remove('flash'); }, 1600);
    place.querySelector('button').focus();
  }

  function announce(text) { $('announce').textContent = text; }

  function toast(text) {
    const note = el('div', { class: 'toast', role: 'status' }, text);
    document.body.appendChild(note);
    setTimeout(function () { document.body.removeChild(note); }, 1800);
  }

  /* ---- Copy and print ---- */

  function copy() {
    const body = guidaCard.text(now.card, now.prose);
    const box = el('textarea', { class: 'hidden', readonly: true });
    box.value = body + '\n复制时间:' + stamp() + '\n校验值 SHA-256:' + guidaSha256(body);
    document.body.appendChild(box);
    box.select();
    const done = document.execCommand('copy');
    document.body.removeChild(box);
    $('copy').focus();
    toast(done ? '已复制' : '浏览器不允许复制,请手工选取');
  }

  function fillSlip() {
    if (now.card) { guidaCard.slip($('slip'), now.card, now.prose, stamp()); }
    document.body.classList.toggle('slip-ready', !!now.card);
  }

  function print() { fillSlip(); window.print(); }

  window.addEventListener('beforeprint', fillSlip);

  /* ---- History of this tab ---- */

  function load() {
    try { return JSON.parse(sessionStorage.getItem(HISTORY_KEY)) || []; } catch (e) { return []; }
  }

  function save() {
    /* A full or forbidden store costs the history, not the answer. */
    try { sessionStorage.setItem(HISTORY_KEY, JSON.stringify(history)); } catch (e) { history = history.slice(0, 5); }
  }

  function remember(card) {
    now.id = Date.now();
    history.unshift({ id: now.id, time: stamp(), card: card, prose: null });
    history = history.slice(0, HISTORY_MOST);
    save();
  }

  function keepProse() {
    history.forEach(function (h) { if (h.id === now.id) { h.prose = now.prose; } });
    save();
  }

  function recent() {
    const titles = [];
    (now.card ? now.card.citations : []).forEach(function (c) {
      if (titles.indexOf(c.document) < 0 && titles.length < RECENT_MOST) { titles.push(c.document); }
    });
    return titles;
  }

  function again(entry) {
    stop(true);
    panel.close(false);
    now.id = entry.id;
    /* Only the latest answer is what the service would go on from. */
    now.session = entry === history[0] ? entry.card.session || null : null;
    show(entry.card, entry.prose, entry.time);
    $('question').value = entry.card.question;
  }

  /* The next question is a matter of its own. */
  function begin() { now.session = null; $('fresh').hidden = true; }

  function drawHistory() {
    $('history-empty').hidden = history.length > 0;
    add(clear($('history')), history.map(function (h) {
      return el('li', null, el('button', { type: 'button', class: h.id === now.id ? 'current' : '', 'aria-current': h.id === now.id ? 'true' : null,
        onclick: function () { again(h); focusHistory(history.indexOf(h)); } },
        h.card.question, el('time', null, h.time.slice(11) + ' · ' + guidaCard.verdict(h.card).word)));
    }));
  }

  function focusHistory(i) {
    const all = $('history').querySelectorAll('button');
    if (all[i]) { all[i].focus(); }
  }

  $('history').addEventListener('keydown', function (e) {
    const all = Array.from($('history').querySelectorAll('button')), at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to === undefined || at < 0) { return; }
    e.preventDefault();
    focusHistory(Math.max(0, Math.min(all.length - 1, to)));
  });

  /* ---- Keys ---- */

  document.addEventListener('keydown', function (e) {
    /* Escape and Enter belong to the input method while characters are being chosen. */
    if (e.isComposing || e.keyCode === 229) { return; }
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (e.key === 'Escape') {
      if (panel.close(true) || stop(false)) { e.preventDefault(); }
    } else if ((e.key === '/' || e.code === 'Slash' && !e.shiftKey) && !typing && !e.ctrlKey && !e.altKey && !e.metaKey) {
      e.preventDefault();
      $('question').focus();
      $('question').select();
    } else if (e.altKey && !e.ctrlKey && /^Digit[1-9]$/.test(e.code)) {
      const c = citation(Number(e.code.slice(5)));
      if (c) { e.preventDefault(); panel.open(c); }
    } else if (e.key === 'ArrowDown' && document.activeElement === $('question') && history.length) {
      e.preventDefault();
      focusHistory(0);
    }
  });

  $('fresh').addEventListener('click', function () {
    begin();
    $('question').value = '';
    $('question').focus();
    announce('已换一件事,下一问不接着上一问');
  });

  $('ask').addEventListener('submit', function (e) {
    e.preventDefault();
    ask($('question').value);
  });

  /* ---- Start ---- */

  function status() {
    const xhr = new XMLHttpRequest();
    xhr.open('GET', '/api/v1/status');
    xhr.onload = function () {
      if (xhr.status !== 200) { $('state').textContent = '知识库状态未知'; return; }
      const s = JSON.parse(xhr.responseText), g = s.generator;
      const none = s.generation === 'none';
      add(clear($('state')), [none ? '还没有知识' : '知识版本 ', el('b', null, none ? '' : s.generation),
        none ? '' : ' · ' + s.documents + ' 份文件 ' + s.clauses + ' 条', ' · ' + (g ? '说明模型' + (g.ready ? '就绪' : '未就绪') : '只出依据,不生成说明')]);
      $('prose-choice').hidden = !g;
      guidaCard.alerts($('alerts'), s.notices);
    };
    xhr.onerror = function () { $('state').textContent = '连接不上服务'; };
    xhr.send();
  }

  try { $('want-prose').checked = sessionStorage.getItem(PROSE_KEY) !== 'no'; } catch (e) { $('want-prose').checked = true; }
  $('want-prose').addEventListener('change', function () {
    try { sessionStorage.setItem(PROSE_KEY, this.checked ? 'yes' : 'no'); } catch (e) { return; }
  });
  Array.from(document.querySelectorAll('.example')).forEach(function (button) {
    button.addEventListener('click', function () { ask(button.textContent); });
  });
  status();
  setInterval(status, STATUS_EVERY);
  drawHistory();
})();
