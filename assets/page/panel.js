/* The panel that shows a clause in its document: chapter, neighbours, versions. */
var guidaPanel = (function () {
  'use strict';

  const el = guidaCard.el, add = guidaCard.add, clear = guidaCard.clear;
  const NEIGHBOURS = 3;

  /* The error of an API reply, or one that says that it cannot be read. */
  function problem(text) {
    try { return JSON.parse(text).error; } catch (e) {
      return { code: 'INTERNAL', message: '服务的回答无法读取', hint: '请再试一次;仍出现时请联系网点科技人员' };
    }
  }

  /* Where the marked sentence of a citation, which may be one paragraph of the clause, stands in the clause's text. */
  function within(text, cited) {
    const at = text.indexOf(cited.text);
    if (at < 0) { return null; }
    const before = Array.from(text.slice(0, at)).length;
    const range = cited.highlight || (cited.text === text ? null : [0, Array.from(cited.text).length]);
    return range ? [before + range[0], before + range[1]] : null;
  }

  /* Uses `place` as the panel. `host` has day() (whose status is shown, or null), home (where the focus goes when
     what opened the panel is gone) and announce(text). */
  function attach(place, host) {
    let opener = null, wanted = 0;

    function open(citation) {
      if (place.hidden) { opener = document.activeElement; }
      fetch(citation.id, citation);
    }

    function close(back) {
      if (place.hidden) { return false; }
      place.hidden = true;
      wanted += 1;
      clear(place);
      if (back) { (opener && document.body.contains(opener) ? opener : host.home).focus(); }
      return true;
    }

    function fetch(id, cited) {
      const xhr = new XMLHttpRequest(), turn = wanted += 1, day = host.day();
      place.hidden = false;
      if (!place.firstChild) { add(place, el('p', { class: 'panel-head' }, '正在打开…')); }
      place.focus();
      xhr.open('GET', '/api/v1/clauses/' + encodeURIComponent(id) + '?neighbours=' + NEIGHBOURS + (day ? '&as_of=' + day : ''));
      xhr.onload = function () {
        if (turn !== wanted) { return; }
        if (xhr.status === 200) { draw(JSON.parse(xhr.responseText), cited); } else { sorry(problem(xhr.responseText)); }
      };
      xhr.onerror = function () {
        if (turn === wanted) { sorry({ message: '连接不上柜答服务', hint: '请检查网络后再打开' }); }
      };
      xhr.send();
    }

    function closer() {
      return el('button', { class: 'tool', type: 'button', id: 'close-panel', onclick: function () { close(true); } }, '关闭 Esc');
    }

    function sorry(error) {
      add(clear(place), el('div', { class: 'panel-head' }, el('div', { class: 'names' }, el('h2', null, error.message), error.hint), closer()));
    }

    function draw(reply, cited) {
      const c = reply.clause, range = cited && cited.id === c.id ? within(c.text, cited) : c.highlight;
      let chapter = null;
      function heading(text) {
        if (!text || text === chapter) { return null; }
        chapter = text;
        return el('p', { class: 'chapter' }, text);
      }
      function near(n) {
        return [heading(n.heading), el('div', { class: 'clause near' },
          el('h3', null, el('button', { type: 'button', onclick: function () { fetch(n.id, null); } }, n.clause)), el('p', null, n.text))];
      }
      const before = reply.before.map(near), chapterHere = heading(c.heading);
      const here = el('div', { class: 'clause this', id: 'panel-clause' }, el('h3', null, c.clause), guidaCard.markedBy(c), el('p', null, guidaCard.marked(c.text, range)));
      const body = el('div', { class: 'panel-body', tabindex: '0' }, before, chapterHere, here, reply.after.map(near), versions(reply.versions, c));
      add(clear(place), [
        el('div', { class: 'panel-head' },
          el('div', { class: 'names' }, el('h2', null, '《' + c.document + '》', guidaCard.pills(c)),
            el('span', { class: 'faint' }, [c.issuer, c.doc_no || '无文号', c.level, guidaCard.period(c.effective_from, c.effective_to)].filter(Boolean).join(' · '))),
          closer()),
        body
      ]);
      body.scrollTop = Math.max(0, here.offsetTop - body.offsetTop - 80);
      place.focus();
      host.announce('已打开《' + c.document + '》' + c.clause);
    }

    function versions(all, c) {
      if (!all.length) { return null; }
      return el('div', { class: 'versions' }, el('h3', null, '历次版本(' + all.length + ')'), all.map(function (v) {
        const current = v.effective.from === c.effective_from && v.doc_no === c.doc_no;
        return el('button', { type: 'button', class: current ? 'current' : '', disabled: current || v.first_clause === null,
          onclick: function () { fetch(v.first_clause, null); } },
          (v.doc_no || '无文号') + ' · ' + guidaCard.period(v.effective.from, v.effective.until), guidaCard.pills(v), current ? ' 正在看' : '');
      }));
    }

    return { open: open, close: close };
  }

  return { attach: attach, problem: problem };
})();
